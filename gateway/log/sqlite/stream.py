"""A stream: one partition of one topic, and its row in the table ``stream``, which carries a checksum.

The columns ``sum`` and ``checked`` are newer than the format. An earlier version of the gateway that writes to the
file changes a row without its checksum: a trigger then sets ``sum`` to NULL. The row is unchecked until this version
writes it again.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple
from zlib import crc32

from gateway.log.sqlite.row import DamagedRowError
from gateway.runtime.sqlite_damage import checksum

_COLUMNS = "start, next, last_at, compacted, checked, sum"
_UPGRADE = (
    "ALTER TABLE stream ADD COLUMN checked INTEGER",
    "ALTER TABLE stream ADD COLUMN sum INTEGER",
    """CREATE TRIGGER unchecked AFTER UPDATE ON stream WHEN NEW.sum IS OLD.sum AND NEW.sum IS NOT NULL BEGIN
        UPDATE stream SET sum = NULL WHERE id = NEW.id; END""",
    "CREATE TABLE checksum (name TEXT PRIMARY KEY, sum INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One partition of one topic: the number of its table, and its policy, compaction or retention."""

    number: int
    topic: str
    partition: int
    policy: str

    @property
    def table(self) -> str:
        """The name of its table; derived from the stream's number, never from external text."""
        return f"record_{self.number}"


class Bounds(NamedTuple):
    """The variable part of a stream: the offsets ``start`` (first held), ``next`` (to be written) and ``compacted``
    (compacted below), and when the last record was written (ms since 1970). Every record from ``checked`` on carries a
    checksum; None: none needs to.
    """

    start: int
    next: int
    last_at: int
    compacted: int
    checked: int | None


def is_upgraded(connection: sqlite3.Connection) -> bool:
    """Whether the table has the newer columns."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'unchecked'").fetchone() is not None


def upgrade(connection: sqlite3.Connection) -> None:
    """Add the newer columns; inside a transaction. Earlier versions of the gateway can still use the file."""
    for statement in _UPGRADE:
        connection.execute(statement)


def read_bounds(connection: sqlite3.Connection, stream: Stream) -> Bounds:
    """The bounds of a stream. Raises DamagedRowError."""
    return read_all_bounds(connection, [stream])[stream]


def read_all_bounds(connection: sqlite3.Connection, streams: Iterable[Stream]) -> dict[Stream, Bounds]:
    """The bounds of streams, by one statement. Raises DamagedRowError."""
    wanted = {stream.number: stream for stream in streams}
    rows = connection.execute(
        f"SELECT id, {_COLUMNS} FROM stream WHERE id IN ({','.join('?' * len(wanted))})",  # noqa: S608  # names of our own tables and columns
        list(wanted),
    ).fetchall()
    if len(rows) != len(wanted):
        raise DamagedRowError("a row of the table stream is missing")
    return {wanted[number]: _bounds(wanted[number], *columns) for number, *columns in rows}


def _bounds(stream: Stream, *columns: int | None) -> Bounds:
    *found, stored = columns
    bounds = Bounds(*found)  # type: ignore[arg-type]  # columns that are NOT NULL
    if stored is None:  # written by an earlier version
        return bounds._replace(checked=None)
    if stored != _checksum(stream, bounds):
        raise DamagedRowError(f"the checksum of {stream.topic}/{stream.partition} in the table stream does not match")
    return bounds


def write_bounds(connection: sqlite3.Connection, stream: Stream, before: Bounds, after: Bounds) -> None:
    """Change a stream's bounds, inside the transaction that has read ``before``."""
    write_all_bounds(connection, {stream: before}, {stream: after})


def write_all_bounds(
    connection: sqlite3.Connection, before: Mapping[Stream, Bounds], after: Mapping[Stream, Bounds]
) -> None:
    """Change the bounds of streams by one statement, inside the transaction that has read ``before``."""
    rows = []
    for stream, bounds in after.items():
        new = bounds._replace(checked=before[stream].next) if bounds.checked is None else bounds
        if new != before[stream]:
            rows.append((stream.number, *new, _checksum(stream, new)))
    if rows:
        values = ",".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        connection.execute(
            f"WITH new(id, {_COLUMNS}) AS (VALUES {values}) UPDATE stream SET ({_COLUMNS}) = "  # noqa: S608  # names of our own tables and columns
            f"(SELECT {_COLUMNS} FROM new WHERE new.id = stream.id) WHERE id IN (SELECT id FROM new)",
            list(chain.from_iterable(rows)),
        )


def check_about(connection: sqlite3.Connection, *about: object) -> None:
    """Compare the checksum of the table ``about``, where one is stored. Raises DamagedRowError."""
    row = connection.execute("SELECT sum FROM checksum WHERE name = 'about'").fetchone()
    if row is not None and row[0] != checksum(*about):
        raise DamagedRowError("the checksum of the log's identity, format and partition count does not match")


def seal_about(connection: sqlite3.Connection, *about: object) -> None:
    """Store the checksum of the table ``about``, once; inside a transaction."""
    connection.execute("INSERT OR IGNORE INTO checksum VALUES ('about', ?)", (checksum(*about),))


def has_mark(connection: sqlite3.Connection, marks: Iterable[str]) -> bool:
    """Whether the file has one of these marks (``FileMarks``), by its checksum."""
    row = connection.execute("SELECT sum FROM checksum WHERE name = 'checked'").fetchone()
    return row is not None and row[0] in map(checksum, marks)


def put_mark(connection: sqlite3.Connection, mark: str | None) -> None:
    """Give the file a mark, unless it has it already."""
    if mark is not None and not has_mark(connection, [mark]):
        connection.execute("INSERT OR REPLACE INTO checksum VALUES ('checked', ?)", (checksum(mark),))


def remove_mark(connection: sqlite3.Connection) -> None:
    """Remove the mark, from a copy of the file."""
    connection.execute("DELETE FROM checksum WHERE name = 'checked'")


def _checksum(stream: Stream, bounds: Bounds) -> int:
    return crc32(repr((stream.number, stream.topic, stream.partition, stream.policy, *bounds)).encode())
