"""The write lock of all processes that write an embedded log."""

import fcntl
from contextlib import ExitStack
from pathlib import Path


class WriteLock:
    """Taken by one thread at a time. The processes of one machine share lock files, where the system wakes the next
    thread at once; SQLite's own lock would have to be polled.

    A second lock admits one waiting thread: otherwise a thread that has just written could take the write lock again. A
    third admits one bulk write, so that a single offer waits for one bulk write at most, however many processes write.
    """

    def __init__(self, path: Path) -> None:
        names = (path.name, f"{path.name}-next", f"{path.name}-bulk")
        with ExitStack() as opened:
            self._lock, self._next, self._bulk = (
                opened.enter_context(path.with_name(name).open("ab")) for name in names
            )
            opened.pop_all()

    def acquire(self, *, bulk: bool) -> None:
        """Wait for the lock. Raises OSError."""
        if bulk:
            fcntl.flock(self._bulk, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._next, fcntl.LOCK_EX)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX)
            finally:
                fcntl.flock(self._next, fcntl.LOCK_UN)
        except OSError:
            fcntl.flock(self._bulk, fcntl.LOCK_UN)
            raise

    def release(self) -> None:
        """Let the next thread write."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        fcntl.flock(self._bulk, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files; a lock that is held is released."""
        self._lock.close()
        self._next.close()
        self._bulk.close()
