"""Checkpoints of a SQLite write-ahead log, beside the commits: of the embedded log and of the local copies."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress

from gateway.errors import LogUnavailableError

_ROUNDS = 2
"""While the first one runs, other pages are committed; the second one leaves few of them to the next commit."""
_BEHIND = 3


class Checkpoints:
    """A checkpoint within a commit would delay further commits by the time that it takes to write thousands of pages
    and to sync them. A thread with a connection of its own writes nearly all pages; the next commit writes the rest, so
    that the write-ahead log can start again from its beginning.

    ``after`` is how much is committed between two checkpoints, in the unit that ``committed`` counts. Little: while the
    disk syncs the pages of a checkpoint, a commit waits to sync its own. Commits that outrun a checkpoint by
    ``_BEHIND`` times as much wait for its end: the write-ahead log does not grow without bound on a slow disk.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], *, after: int) -> None:
        self._connect = connect
        self._after = after
        self._committed = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def committed(self, connection: sqlite3.Connection, size: int) -> None:
        """Count a commit, and finish a checkpoint; called by the thread that has committed, before others may."""
        with self._lock:
            self._committed += size
            done = self._thread is not None and not self._thread.is_alive()
            if done:
                self._thread = None
        if done:
            _checkpoint(connection)

    def begin_due(self) -> None:
        """Begin a checkpoint after enough commits, or wait for one that is behind; called once others may commit."""
        with self._lock:
            behind = self._thread if self._committed >= _BEHIND * self._after else None
        if behind is not None:
            behind.join()
            return
        with self._lock:
            if self._committed < self._after or self._thread is not None:
                return
            thread = threading.Thread(target=self._checkpoint_aside, name="checkpoint", daemon=True)
            with suppress(RuntimeError):  # no thread can be started now: the next commit tries again
                thread.start()
                self._committed, self._thread = 0, thread

    def close(self) -> None:
        """Wait for a running checkpoint. Further commits may follow, of another file too."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _checkpoint_aside(self) -> None:
        with suppress(LogUnavailableError, sqlite3.Error), closing(self._connect()) as connection:
            for _ in range(_ROUNDS):
                _checkpoint(connection)


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Checkpoint without waiting. After an error the pages stay in the write-ahead log: the next write raises for a
    full disk, the next read for damage.
    """
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
