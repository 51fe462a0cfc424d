"""Checks of the embedded log's file: the structure of its pages, then the checksums of its rows."""

import sqlite3
import time

from gateway.log.sqlite.file import read_about, read_records, read_streams
from gateway.log.sqlite.wal import Synced, recovered_frames
from gateway.runtime.sqlite_damage import ChecksumError, check_pages

_PAGE = 2_000


def check_log(connection: sqlite3.Connection, *, seconds: float | None = None) -> bool:
    """Check a file for at most ``seconds``, or to its end. Returns whether the end was reached.

    A file without tables passes. Raises sqlite3.DatabaseError.
    """
    until = None if seconds is None else time.monotonic() + seconds
    if not check_pages(connection, seconds=seconds):
        return False
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'unchecked'").fetchone() is None:
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


def check_recovery(connection: sqlite3.Connection, synced: Synced) -> None:
    """Compare the frames recovered from the write-ahead log with those synced. Raises sqlite3.DatabaseError."""
    if synced.damage is not None:
        raise ChecksumError(f"the file -wal beside it: {synced.damage}")
    if recovered_frames(connection) < synced.frames:
        raise ChecksumError("the file -wal beside it: a transaction that was synced is not whole")
