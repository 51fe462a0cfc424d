"""The SQLite file: its schema, its connections, and the reading of records.

Each partition of a topic has a table of its own, keyed by offset: an append always writes at the table's right edge.
"""

import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import LogDamagedError, LogUnavailableError
from gateway.log.sqlite.row import DamagedRowError, unseal
from gateway.log.sqlite.stream import Stream, check_about, is_upgraded, read_bounds, seal_about, upgrade, write_bounds
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import Topic
from gateway.runtime.sqlite_damage import is_damage

FORMAT = 1
_CACHED_STATEMENTS = 16
"""Few: a cached statement keeps a copy of the values that it was last executed with, a whole group's for an insert."""
READ_BYTES = 8 * 1_048_576
"""A page of records ends after this many bytes of values, so that large records do not exhaust memory."""
APPLICATION_ID = 0x50415353  # "PASS": distinguishes the log from other SQLite files
_LAYOUT = """
CREATE TABLE about (identity TEXT, format INTEGER NOT NULL, partitions INTEGER NOT NULL);
CREATE TABLE stream (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL, policy TEXT NOT NULL,
    start INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, last_at INTEGER NOT NULL DEFAULT 0,
    compacted INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition)
);
CREATE TABLE owner (role TEXT, partition INTEGER, epoch INTEGER NOT NULL, PRIMARY KEY (role, partition)) WITHOUT ROWID;
"""


def connect(path: Path, *, busy_seconds: float) -> sqlite3.Connection:
    """A connection that syncs every commit (WAL, ``synchronous=FULL``) and has no implicit transactions.

    Raises LogUnavailableError for a file that is not such a log or cannot be opened; LogDamagedError for a damaged one.
    """
    try:
        connection = sqlite3.connect(
            path,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )
    except sqlite3.Error as error:
        raise log_error(path, error) from error
    try:
        _refuse_foreign(connection, path)
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer checkpoints beside its commits
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute(
            "PRAGMA secure_delete = OFF"
        )  # some builds overwrite deleted content, which triples the time of compaction
    except LogUnavailableError:
        connection.close()
        raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        connection.close()
        raise log_error(path, error) from error
    return connection


def log_error(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> LogUnavailableError:
    """The port's error for a failure of the file: LogDamagedError, or LogUnavailableError if it may be transient."""
    if is_damage(error):
        return damaged(path, error)
    return LogUnavailableError(
        f"The log {path.absolute()} cannot be used ({error}): free space on its disk, and check the rights of file and "
        "folder."
    )


def damaged(path: Path, reason: object) -> LogDamagedError:
    """The error of a damaged log, with the remedy."""
    return LogDamagedError(
        f"The log {path.absolute()} is damaged ({reason}): stop the gateway and restore it from a backup; "
        "passerelle doctor checks the whole file."
    )


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Check before any pragma is set: another application's database is never changed, not even its journal mode."""
    if not _is_laid_out(connection) and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise LogUnavailableError(
            f"{path.absolute()} is an SQLite database of something else, or a damaged log: restore it from a backup, "
            "or name another data folder."
        )


def _is_laid_out(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def create_schema(connection: sqlite3.Connection, *, partitions: int) -> None:
    """Create the tables of a new file, and the columns that a file of an earlier version does not have."""
    if _is_laid_out(connection) and is_upgraded(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_laid_out(connection):  # unless another process was first
            for statement in _LAYOUT.strip().split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO about VALUES (NULL, ?, ?)", (FORMAT, partitions))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if not is_upgraded(connection):
            upgrade(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def read_about(connection: sqlite3.Connection) -> tuple[str | None, int]:
    """The log's identity (None: no topics yet) and partition count. Raises LogUnavailableError for another format."""
    row = connection.execute("SELECT identity, format, partitions FROM about").fetchone()
    if row is None:
        raise DamagedRowError("the table about is empty")
    check_about(connection, *row)
    identity, version, partitions = row
    if version != FORMAT:
        raise LogUnavailableError(
            f"The log has format {version}, this version reads {FORMAT}: use the matching version."
        )
    return identity, int(partitions)


def add_topics(connection: sqlite3.Connection, topics: Iterable[Topic], *, partitions: int) -> None:
    """Add the tables of missing topics, and the identity; inside a transaction."""
    connection.execute("UPDATE about SET identity = ? WHERE identity IS NULL", (str(uuid.uuid4()),))
    seal_about(connection, *connection.execute("SELECT identity, format, partitions FROM about").fetchone())
    read_streams(connection)  # a topic whose name is damaged must not be created again
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
    for streams in read_streams(connection).values():
        for stream in streams:  # new streams, and those of an earlier version
            bounds = read_bounds(connection, stream)
            if bounds.checked is None:
                write_bounds(connection, stream, bounds, bounds)


def read_streams(connection: sqlite3.Connection) -> dict[str, list[Stream]]:
    """Every topic with its partitions in order. Raises DamagedRowError."""
    found: dict[str, list[Stream]] = {}
    rows = connection.execute("SELECT id, topic, partition, policy FROM stream ORDER BY topic, partition").fetchall()
    for number, topic, partition, policy in rows:
        stream = Stream(number, topic, partition, policy)
        read_bounds(connection, stream)
        found.setdefault(topic, []).append(stream)
    return found


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records of a stream, with its bounds at that moment. ``reached`` is the next offset to read, gaps included."""

    start: int
    end: int
    records: list[StoredRecord]
    reached: int


def read_records(
    connection: sqlite3.Connection, stream: Stream, position: int, limit: int, *, max_bytes: int = READ_BYTES
) -> RecordPage:
    """Up to ``limit`` records from a position, fewer when they are large. Raises DamagedRowError."""
    records: list[StoredRecord] = []
    size, reached = 0, position
    connection.execute("BEGIN")
    try:
        bounds = read_bounds(connection, stream)
        checked = bounds.next if bounds.checked is None else bounds.checked
        rows = connection.execute(
            f"SELECT offset, at, key, value, headers FROM {stream.table} WHERE offset >= ? ORDER BY offset LIMIT ?",  # noqa: S608
            (position, limit),
        )
        for offset, at, key, value, packed in rows:
            if not reached <= offset < bounds.next:
                raise DamagedRowError(f"record {offset} of stream {stream.number} is out of order")
            headers = unseal(stream.number, offset, at, key, value, packed, required=offset >= checked)
            records.append(StoredRecord(offset, at, key, value, headers))
            reached = offset + 1
            size += 0 if value is None else len(value)
            if size >= max_bytes:
                break
    finally:
        connection.execute("COMMIT")
    full = len(records) == limit or size >= max_bytes
    return RecordPage(bounds.start, bounds.next, records, reached if full else bounds.next)
