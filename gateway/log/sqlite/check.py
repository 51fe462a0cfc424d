"""Checks of the embedded log's file: the structure of its pages, the checksums of its rows, the write-ahead log.

SQLite ends a recovery at the first invalid frame of the write-ahead log and reports nothing. After a crash that is
right: later frames were never synced. But a transaction that is followed by another one was synced before that one
began, so an invalid frame of it is damage, and recovery without it would lose acknowledged records.
https://www.sqlite.org/fileformat2.html#walformat
"""

import sqlite3
import struct
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import LogUnavailableError
from gateway.log.sqlite.file import connect, read_about, read_records, read_streams
from gateway.log.sqlite.stream import has_mark, is_upgraded, put_mark
from gateway.runtime.checked_file import FileMarks, marker
from gateway.runtime.sqlite_damage import ChecksumError, check_pages

_HEADER, _FRAME = 32, 24
_MAGIC = (0x377F0682, 0x377F0683)
_MASK = 0xFFFFFFFF
_PAGE = 2_000
_START_SECONDS = 5.0
_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Synced:
    """The number of frames that were certainly synced; ``damage`` describes damage that shows by itself."""

    frames: int
    damage: str | None = None


def synced_frames(path: Path) -> Synced:
    """The number of frames in a write-ahead log that were synced before its last transaction began. Raises OSError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Synced(0)
    if len(content) <= _HEADER:
        return Synced(0)
    magic, _, page, _, *salts = struct.unpack(">6I", content[:24])
    if magic not in _MAGIC or _checksum(content[:24], magic) != struct.unpack(">2I", content[24:32]):
        return Synced(0, "its header is not whole")
    size = _FRAME + page
    commits = []
    last = 0
    for number in range((len(content) - _HEADER) // size):
        start = _HEADER + number * size
        _, after, *found = struct.unpack(">4I", content[start : start + 16])
        if found == salts:
            last = number + 1
            if after:
                commits.append(number + 1)
    return Synced(max((one for one in commits if one < last), default=0))


def recovered_frames(connection: sqlite3.Connection) -> int:
    """The number of frames in SQLite's write-ahead log, after its recovery. Raises sqlite3.Error."""
    _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(frames)


def _checksum(content: bytes, magic: int) -> tuple[int, int]:
    words = struct.unpack(f"{'>' if magic & 1 else '<'}{len(content) // 4}I", content)
    first = second = 0
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second


def check_log(connection: sqlite3.Connection, *, seconds: float | None = None) -> bool:
    """Check a file for at most ``seconds``, or to its end. Returns whether the end was reached.

    A file without tables passes. Raises sqlite3.DatabaseError.
    """
    until = None if seconds is None else time.monotonic() + seconds
    return check_pages(connection, seconds=seconds) and check_records(connection, until=until)


def check_records(connection: sqlite3.Connection, *, until: float | None = None) -> bool:
    """Check the rows of a file until an instant of the monotonic clock, or to the end. Returns whether the end was
    reached. Each page of records is a transaction of its own. Raises sqlite3.DatabaseError.
    """
    if not is_upgraded(connection):
        return True  # created by an earlier version, or just now
    read_about(connection)
    for streams in read_streams(connection).values():
        for stream in streams:
            position, end = 0, 1
            while position < end:
                if until is not None and time.monotonic() > until:
                    return False
                page = read_records(connection, stream, position, _PAGE)
                position, end = page.reached, page.end
    return True


def check_start(connection: sqlite3.Connection, path: Path, marks: FileMarks) -> None:
    """Check the file of a gateway that starts: to its end if it was found damaged, not at all if its mark is valid,
    else for some seconds. Raises sqlite3.DatabaseError, OSError.
    """
    if marker(path).exists():
        check_log(connection)
        marker(path).unlink(missing_ok=True)  # another file was restored
    elif not (is_upgraded(connection) and has_mark(connection, marks.valid)):
        check_log(connection, seconds=_START_SECONDS)


def mark_stopped(path: Path, marks: FileMarks) -> None:
    """Mark the file of a gateway that has stopped cleanly. The next start checks it if a failing disk prevents that."""
    with suppress(sqlite3.Error, OSError, LogUnavailableError):
        stopped = marks.stopped()
        if stopped is not None:
            with closing(connect(path, busy_seconds=_BUSY_SECONDS)) as connection:
                put_mark(connection, stopped[0])
            marks.set_written(stopped[1])


def check_recovery(connection: sqlite3.Connection, synced: Synced) -> None:
    """Compare the frames recovered from the write-ahead log with those synced. Raises sqlite3.DatabaseError."""
    if synced.damage is not None:
        raise ChecksumError(f"the file -wal beside it: {synced.damage}")
    if recovered_frames(connection) < synced.frames:
        raise ChecksumError("the file -wal beside it: a transaction that was synced is not whole")
