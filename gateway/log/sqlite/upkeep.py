"""Upkeep: retention and compaction, in steps small enough that no write waits long."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.log.sqlite.stream import Stream, read_bounds, write_bounds
from gateway.protocol.topic import Topic

STEP = 500
"""The number of records that one step deletes: about 10 ms of the writer's time."""
PAGE_BYTES = 8_192
"""Bytes written for one scattered record that is deleted: the page that holds it."""
DIRTY_LEAST = 1_000
"""A stream with fewer new records than this is not compacted yet."""


def expired(connection: sqlite3.Connection, stream: Stream, *, before: int, now: int) -> int | None:
    """The start offset that leaves no record appended before an instant (ms); None if the stream starts there already.

    A record with a time stamp later than ``now`` has no known age, since the clock was ahead: it expires with the next
    one of known age.
    """
    start, end, *_ = read_bounds(connection, stream)
    table = stream.table

    def find(condition: str, *values: int) -> int | None:
        row = connection.execute(f"SELECT offset FROM {table} WHERE {condition} LIMIT 1", values).fetchone()  # noqa: S608  # our own table and conditions
        return None if row is None else int(row[0])

    kept = find("at BETWEEN ? AND ? ORDER BY offset", before, now)
    gone = find("at < ? AND offset < ? ORDER BY offset DESC", before, end if kept is None else kept)
    if gone is None:
        return None
    left = find("offset > ? ORDER BY offset", gone)
    wanted = end if left is None else left
    return wanted if wanted > start else None


def cut(connection: sqlite3.Connection, stream: Stream, start: int) -> bool:
    """Advance the start and delete one step of the records below it. Returns whether more may remain."""
    bounds = read_bounds(connection, stream)
    write_bounds(connection, stream, bounds, bounds._replace(start=max(bounds.start, start)))
    cursor = connection.execute(
        f"DELETE FROM {stream.table} WHERE offset IN "  # noqa: S608  # our own table's name
        f"(SELECT offset FROM {stream.table} WHERE offset < ? ORDER BY offset LIMIT ?)",
        (start, STEP),
    )
    return cursor.rowcount == STEP


@dataclass(frozen=True, slots=True)
class Superseded:
    """The offsets below ``end`` that compaction may drop."""

    offsets: Sequence[int]
    end: int


def superseded(
    connection: sqlite3.Connection, stream: Stream, topic: Topic, *, now: int, all_of_it: bool
) -> Superseded | None:
    """Records with a newer one of their key, and tombstones past retention.

    Unless ``all_of_it``, None until the new records are as many as the old ones, so that the work stays in proportion;
    of an erasable topic, None until there are any.
    """
    bounds = read_bounds(connection, stream)
    end = bounds.next
    if topic.erasable and bounds.compacted == end and not _expiring(connection, stream, topic, now):
        return None
    if not (all_of_it or topic.erasable or _worth_it(connection, stream, bounds.compacted)):
        return None
    # Materialized: otherwise the sort would include every value, as large as the table itself.
    rows = connection.execute(
        f"""
        WITH slim AS MATERIALIZED (
            SELECT offset, at, key, value IS NULL AS gone FROM {stream.table} WHERE offset < ? AND key IS NOT NULL
        )
        SELECT offset FROM (
            SELECT offset, at, gone, lead(offset) OVER (PARTITION BY key ORDER BY offset) AS newer FROM slim
        ) WHERE newer IS NOT NULL OR (gone AND at < ?)
        ORDER BY offset
        """,  # noqa: S608  # our own table's name
        (end, now - topic.retention_ms),
    )
    return Superseded([row[0] for row in rows], end)


def drop(connection: sqlite3.Connection, stream: Stream, offsets: Sequence[int], *, overwritten: bool) -> None:
    """Delete these records; ``overwritten``: with zeros, so that their bytes leave the file."""
    statement = f"DELETE FROM {stream.table} WHERE offset IN (SELECT value FROM json_each(?))"  # noqa: S608  # same
    connection.execute(f"PRAGMA secure_delete = {int(overwritten)}")
    try:
        connection.execute(statement, (json.dumps(offsets),))
    finally:
        connection.execute("PRAGMA secure_delete = OFF")


def mark_compacted(connection: sqlite3.Connection, stream: Stream, end: int) -> None:
    """Store the offset up to which the stream has been compacted."""
    bounds = read_bounds(connection, stream)
    write_bounds(connection, stream, bounds, bounds._replace(compacted=end))


def _worth_it(connection: sqlite3.Connection, stream: Stream, compacted: int) -> bool:
    """Whether the new records are as many as the old ones. Counts no more rows than necessary."""
    (dirty,) = connection.execute(
        f"SELECT count(*) FROM {stream.table} WHERE offset >= ?",  # noqa: S608  # our own table's name
        (compacted,),
    ).fetchone()
    if dirty < DIRTY_LEAST:
        return False
    (more,) = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {stream.table} WHERE offset < ? LIMIT ?)",  # noqa: S608  # same
        (compacted, dirty + 1),
    ).fetchone()
    return bool(dirty >= more)


def _expiring(connection: sqlite3.Connection, stream: Stream, topic: Topic, now: int) -> bool:
    """Whether a tombstone is past retention."""
    row = connection.execute(
        f"SELECT 1 FROM {stream.table} WHERE value IS NULL AND at < ? LIMIT 1",  # noqa: S608  # our own table's name
        (now - topic.retention_ms,),
    ).fetchone()
    return row is not None
