"""The file: its layout, its connections, and how records lie in it.

Each partition of a topic is a table of its own, keyed by offset: appending then always writes at a table's right edge.
"""

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import orjson

from gateway.clock import append_time
from gateway.ports import LogUnavailableError, TopicError
from gateway.protocol.record import Headers, Record, StoredRecord
from gateway.protocol.topic import Topic

FORMAT = 1
READ_BYTES = 8 * 1_048_576
"""After so many bytes of values a page of records ends, so that large ones do not fill the memory."""
_ROWS = 100
_ONE = "(?, ?, ?, ?, ?)"
_MANY = ", ".join([_ONE] * _ROWS)
APPLICATION_ID = 0x50415353  # "PASS", so that a foreign SQLite file is known as one
_LAYOUT = """
CREATE TABLE about (identity TEXT, format INTEGER NOT NULL, partitions INTEGER NOT NULL);
CREATE TABLE stream (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL, policy TEXT NOT NULL,
    start INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, last_at INTEGER NOT NULL DEFAULT 0,
    compacted INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition)
);
CREATE TABLE owner (role TEXT, partition INTEGER, epoch INTEGER NOT NULL, PRIMARY KEY (role, partition)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """One partition of one topic: the number of its table, and whether compaction or retention keeps it small."""

    number: int
    topic: str
    partition: int
    policy: str

    @property
    def table(self) -> str:
        """The name of its table; made of our own number, never of anybody's text."""
        return f"record_{self.number}"


def connect(path: Path, *, busy_seconds: float) -> sqlite3.Connection:
    """A connection that syncs every commit (WAL, ``synchronous=FULL``) and begins transactions only when told to.

    Raises LogUnavailableError for what is not such a log, or cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise LogUnavailableError(f"The log {path} cannot be opened ({error}): check the folder's rights.") from error
    try:
        _refuse_foreign(connection)
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 2000")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute(
            "PRAGMA secure_delete = OFF"
        )  # some builds overwrite what compaction drops, at thrice its time
    except LogUnavailableError:
        connection.close()
        raise
    except sqlite3.Error as error:
        connection.close()
        raise LogUnavailableError(
            f"{path} is not a log, or is damaged ({error}): restore it from a backup, or name another data folder."
        ) from error
    return connection


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """Before anything is set: another application's database is never touched, not even its journal mode."""
    if not _is_laid_out(connection) and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise LogUnavailableError("The file is an SQLite database of something else: name another data folder.")


def _is_laid_out(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def lay_out(connection: sqlite3.Connection, *, partitions: int) -> None:
    """Make the tables of a new file."""
    if _is_laid_out(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_laid_out(connection):  # another process may have been first
            for statement in _LAYOUT.strip().split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES (NULL, ?, ?)", (FORMAT, partitions))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def read_about(connection: sqlite3.Connection) -> tuple[str | None, int]:
    """The log's identity (None: no topics yet) and partition count. Raises LogUnavailableError for another format."""
    identity, version, partitions = connection.execute("SELECT identity, format, partitions FROM about").fetchone()
    if version != FORMAT:
        raise LogUnavailableError(
            f"The log has format {version}, this version reads {FORMAT}: use the matching version."
        )
    return identity, int(partitions)


def add_topics(connection: sqlite3.Connection, topics: Iterable[Topic], *, partitions: int) -> None:
    """Add the tables of the topics that are missing, and the identity; to be called inside a transaction."""
    connection.execute("UPDATE about SET identity = ? WHERE identity IS NULL", (str(uuid.uuid4()),))
    for topic in topics:
        for partition in range(partitions):
            cursor = connection.execute(
                "INSERT INTO stream (topic, partition, policy) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (topic.name, partition, topic.policy),
            )
            if cursor.rowcount:
                connection.execute(
                    f"CREATE TABLE record_{cursor.lastrowid} "
                    "(offset INTEGER PRIMARY KEY, at INTEGER NOT NULL, key BLOB, value BLOB, headers BLOB)"
                )


def read_streams(connection: sqlite3.Connection) -> dict[str, list[Stream]]:
    """Every topic with its partitions in order."""
    found: dict[str, list[Stream]] = {}
    rows = connection.execute("SELECT id, topic, partition, policy FROM stream ORDER BY topic, partition")
    for number, topic, partition, policy in rows:
        found.setdefault(topic, []).append(Stream(number, topic, partition, policy))
    return found


def stream_of(streams: dict[str, list[Stream]], topic: str, partition: int) -> Stream:
    """One partition of a topic. Raises TopicError."""
    found = streams.get(topic)
    if found is None:
        raise TopicError(f"The topic {topic} does not exist: run `passerelle topics create`.")
    if not 0 <= partition < len(found):
        raise TopicError(f"The topic {topic} has {len(found)} partitions, there is no partition {partition}.")
    return found[partition]


def write_records(
    connection: sqlite3.Connection, stream: Stream, records: Sequence[Record], *, at: int
) -> tuple[int, int]:
    """Write records at the end of a stream, inside a transaction: the first and the last offset.

    One more offset is left unused behind them, as a commit marker would take it. Times do not fall within a stream,
    unless the clock was ahead and has been set back (``append_time``).
    """
    first, last_at = connection.execute("SELECT next, last_at FROM stream WHERE id = ?", (stream.number,)).fetchone()
    at = append_time(at, last_at)
    _insert(
        connection,
        stream.table,
        [(offset, at, one.key, one.value, pack(one.headers)) for offset, one in enumerate(records, first)],
    )
    last = first + len(records) - 1
    connection.execute("UPDATE stream SET next = ?, last_at = ? WHERE id = ?", (last + 2, at, stream.number))
    return first, last


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Many rows a statement, as far as they go: between statements this thread has to ask for Python's lock again, and
    with the event loop at work each time may cost it milliseconds.
    """
    whole = len(rows) - len(rows) % _ROWS
    insert = f"INSERT INTO {table} VALUES "  # noqa: S608  # our own table's name
    for start in range(0, whole, _ROWS):
        connection.execute(insert + _MANY, list(chain.from_iterable(rows[start : start + _ROWS])))
    connection.executemany(insert + _ONE, rows[whole:])


@dataclass(frozen=True, slots=True)
class Page:
    """Records of a stream, with its bounds at that moment. ``reached`` is the next offset to read, gaps included."""

    start: int
    end: int
    records: list[StoredRecord]
    reached: int


def read_records(connection: sqlite3.Connection, stream: Stream, position: int, limit: int) -> Page:
    """Up to ``limit`` records from a position, fewer when they are large."""
    records: list[StoredRecord] = []
    size = 0
    connection.execute("BEGIN")
    try:
        start, end = connection.execute("SELECT start, next FROM stream WHERE id = ?", (stream.number,)).fetchone()
        rows = connection.execute(
            f"SELECT offset, at, key, value, headers FROM {stream.table} WHERE offset >= ? ORDER BY offset LIMIT ?",  # noqa: S608
            (position, limit),
        )
        for offset, at, key, value, packed in rows:
            records.append(StoredRecord(offset, at, key, value, unpack(packed)))
            size += 0 if value is None else len(value)
            if size >= READ_BYTES:
                break
    finally:
        connection.execute("COMMIT")
    full = len(records) == limit or size >= READ_BYTES
    return Page(start, end, records, records[-1].offset + 1 if full else end)


def pack(headers: Headers) -> bytes | None:
    """Headers as a flat JSON list of names and values, each byte a Latin-1 character; None for none."""
    if not headers:
        return None
    flat: list[str] = []
    for name, value in headers:
        flat += (name, value.decode("latin-1"))
    return orjson.dumps(flat)


def unpack(packed: bytes | None) -> Headers:
    """The inverse of ``pack``."""
    if packed is None:
        return ()
    flat = orjson.loads(packed)
    return tuple(zip(flat[::2], [value.encode("latin-1") for value in flat[1::2]], strict=True))
