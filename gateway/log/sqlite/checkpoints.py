"""Checkpoints of the embedded log's write-ahead log."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress

from gateway.errors import LogUnavailableError

_CHECKPOINT_BYTES = 4 << 20
"""Few: while the disk syncs the pages of a checkpoint, a commit waits to sync its own."""
_ROUNDS = 2
"""While the first one runs, other pages are committed; the second one leaves few of them to the next commit."""


class Checkpoints:
    """Checkpoints beside the commits: one within a commit would delay the writes of all processes by the time that it
    takes to write thousands of pages and to sync them. A thread with a connection of its own writes nearly all pages;
    the next commit writes the rest, so that the write-ahead log can start again from its beginning.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._bytes = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def committed(self, connection: sqlite3.Connection, size: int) -> None:
        """Count the bytes of a commit, and finish a checkpoint; called by a thread that holds the write lock."""
        with self._lock:
            self._bytes += size
            done = self._thread is not None and not self._thread.is_alive()
            if done:
                self._thread = None
        if done:
            _checkpoint(connection)

    def begin_due(self) -> None:
        """Begin a checkpoint after enough bytes; called after the write lock has been released."""
        with self._lock:
            if self._bytes < _CHECKPOINT_BYTES or self._thread is not None:
                return
            thread = threading.Thread(target=self._checkpoint_aside, name="log-checkpoint", daemon=True)
            with suppress(RuntimeError):  # no thread can be started now: the next commit tries again
                thread.start()
                self._bytes, self._thread = 0, thread

    def close(self) -> None:
        """Wait for a running checkpoint."""
        if self._thread is not None:
            self._thread.join()

    def _checkpoint_aside(self) -> None:
        with suppress(LogUnavailableError), closing(self._connect()) as connection:
            for _ in range(_ROUNDS):
                _checkpoint(connection)


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Checkpoint without waiting. After an error the pages stay in the write-ahead log: the next write raises for a
    full disk, the next read for damage.
    """
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
