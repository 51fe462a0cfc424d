"""The writer: one thread with group commit. All queued jobs are written in one transaction and synced once."""

import asyncio
import fcntl
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from gateway.errors import LogBusyError, LogError, LogUnavailableError, UnknownOutcomeError
from gateway.runtime.loop import hurry
from gateway.runtime.sqlite_damage import is_damage

Work: TypeAlias = Callable[[sqlite3.Connection], Any]
"""A job's work inside the group's transaction. A LogError raised before the job writes fails this job alone."""

_QUEUE = 10_000
_QUEUE_BYTES = 64 << 20
_GROUP = 1_000
_GROUP_BYTES = 1 << 20
"""Other processes wait while a group is written: the relay's commits of all partitions do not form one group."""
_CHECKPOINT_BYTES = 8 << 20
_COMMIT_BYTES = 32 << 10
"""Estimate of the pages that a commit writes beside its records."""
_SMALL_BYTES = 16 << 10
"""Jobs of at most this size, such as a single offer, precede queued slices of uploads."""
_T = TypeVar("_T")


class Job:
    """One piece of work and the future of its answer. ``begun``: it may have been written; ``size``: the bytes that it
    writes.
    """

    __slots__ = ("answer", "begun", "size", "work")

    def __init__(self, work: Work, size: int) -> None:
        self.work = work
        self.size = size
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.begun = False

    def settle(self, result: object, error: Exception | None) -> None:
        """Complete the answer, in the thread of the event loop."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


class Writer:
    """Executes work submitted from the thread of ``loop``; ``written`` is called there after each commit.

    ``connect_again`` opens a further connection, for checkpoints. ``lock_file`` is the write lock of all processes that
    write this log; ``{lock_file}-next`` admits one waiting process.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        loop: asyncio.AbstractEventLoop,
        connect_again: Callable[[], sqlite3.Connection],
        lock_file: Path,
        patience: float,
        written: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._write_lock = lock_file.open("ab")
        self._queue_lock = lock_file.with_name(f"{lock_file.name}-next").open("ab")
        self._small_passed = False
        self._patience = patience
        self._written = written
        self._checkpoints = _Checkpoints(connect_again)
        self._jobs: deque[Job] = deque()
        self._bytes = 0
        self._failure: BaseException | None = None
        self._loop = loop
        self._ended = asyncio.Event()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], _T], *, size: int = 0, bounded: bool = True) -> _T:
        """The result of the work, once it is synced to disk. ``size`` is the bytes that it writes; work that is not
        ``bounded`` ignores the limit of queued bytes: that of owners, each of which has one commit at a time.

        Raises LogBusyError when the queue is full, LogUnavailableError when certainly nothing was written (a full disk,
        or no write lock in time), UnknownOutcomeError when ``patience`` ended during the write.
        """
        job = Job(work, size)
        with self._wake:
            if self._closing:
                raise LogUnavailableError("The log has been closed.")
            if self._failure is not None:
                raise LogUnavailableError(_ended_by(self._failure))
            if len(self._jobs) >= _QUEUE:
                raise LogBusyError(f"{_QUEUE} writes are waiting for the log; try again later.")
            if bounded and self._bytes and self._bytes + size > _QUEUE_BYTES:
                raise LogBusyError(f"{self._bytes:,} bytes are waiting for the log; try again later.")
            self._jobs.append(job)
            self._bytes += size
            self._wake.notify()
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(job.answer)
        except TimeoutError:
            job.answer.cancel()
            with self._wake:
                if job.begun:
                    error = UnknownOutcomeError(f"The log did not finish this write within {self._patience} s.")
                    raise error from None
                self._jobs.remove(job)
                self._bytes -= size
            raise LogUnavailableError(f"The log did not get to this write within {self._patience} s.") from None

    async def ended(self) -> None:
        """Wait until the thread has ended before ``close``, and raise its failure as a LogError."""
        await self._ended.wait()
        raise LogError(_ended_by(self._failure)) from self._failure

    def close(self) -> None:
        """Write queued jobs, then end; blocks until the thread has ended."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._checkpoints.close()
        self._connection.close()
        self._write_lock.close()
        self._queue_lock.close()

    def _run(self) -> None:
        """Write groups until closed. An error that ends this thread before is the answer to all queued and later jobs:
        a log without answers would look like a slow one.
        """
        group: list[Job] = []
        try:
            self._write_groups(group)
        except BaseException as failure:  # noqa: BLE001  # raised to every caller, and by ``ended``
            with self._wake:
                self._failure = failure
                waiting = [*self._jobs]
                self._jobs.clear()
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._ended.set)
            begun = UnknownOutcomeError(_ended_by(failure))
            self._answer(group, [(None, begun)] * len(group))
            self._answer(waiting, [(None, LogUnavailableError(_ended_by(failure)))] * len(waiting))

    def _write_groups(self, group: list[Job]) -> None:
        """``group`` holds the jobs in progress, so that ``_run`` can answer them after a failure. They are chosen once
        the write lock is held: a small job that arrives meanwhile does not wait for a large one.
        """
        while True:
            with self._wake:
                while not self._jobs and not self._closing:
                    self._wake.wait()
                if not self._jobs:
                    return
            try:
                self._lock()
            except OSError as error:
                self._take(group)
                failure = LogUnavailableError(f"The log's lock file cannot be locked ({error}); nothing was written.")
                self._finish(group, [(None, failure)] * len(group))
                continue
            hurry(True)  # each statement waits for the GIL, and other processes for the lock
            try:
                self._take(group)
                outcomes = self._transact(group) if group else []
                self._checkpoints.committed(self._connection, sum(job.size for job in group) + _COMMIT_BYTES)
            finally:
                fcntl.flock(self._write_lock, fcntl.LOCK_UN)
                hurry(False)
            self._finish(group, outcomes)

    def _finish(self, group: list[Job], outcomes: Sequence[tuple[object, Exception | None]]) -> None:
        """Answer the jobs of a group, and empty it."""
        with self._wake:
            self._bytes -= sum(job.size for job in group)
        done = group.copy()
        group.clear()
        self._answer(done, outcomes)

    def _lock(self) -> None:
        """Take the write lock. The processes of one machine share a lock file, where the system wakes the next process
        at once; SQLite's own lock would have to be polled. A second lock admits one waiting process: otherwise a
        process that has just written could take the write lock again. Raises OSError.
        """
        fcntl.flock(self._queue_lock, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._write_lock, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._queue_lock, fcntl.LOCK_UN)

    def _take(self, group: list[Job]) -> None:
        """Move the next jobs into the group: at most 1,000, and no more once they reach 1 MiB. Small ones precede large
        ones, but not in two consecutive groups.
        """
        with self._wake:
            self._take_next(group)

    def _take_next(self, group: list[Job]) -> None:
        small = [job for job in self._jobs if job.size <= _SMALL_BYTES]
        large: list[Job] = []
        self._small_passed = not self._small_passed and 0 < len(small) < len(self._jobs)
        if self._small_passed:
            large = [job for job in self._jobs if job.size > _SMALL_BYTES]
            self._jobs = deque(small)
        size = 0
        while self._jobs and len(group) < _GROUP and size < _GROUP_BYTES:
            job = self._jobs.popleft()
            job.begun = True
            size += job.size
            group.append(job)
        self._jobs.extend(large)

    def _transact(self, group: Collection[Job]) -> list[tuple[object, Exception | None]]:
        outcomes: list[tuple[object, Exception | None]] = []
        committing = False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in group:
                try:
                    outcomes.append((job.work(self._connection), None))
                except LogError as error:
                    outcomes.append((None, error))
            committing = True
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  # raised to every caller of the group
            return [(None, self._undo(error, committing=committing))] * len(group)
        return outcomes

    def _undo(self, error: Exception, *, committing: bool) -> Exception:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            if committing and error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                # Only a later read of the file shows the outcome of a failed sync.
                return UnknownOutcomeError(f"The disk failed while the log was being synced ({error}).")
            return LogUnavailableError(f"The log cannot be written ({error}); nothing was. Free space on its disk.")
        return error

    def _answer(self, group: Collection[Job], outcomes: Sequence[tuple[object, Exception | None]]) -> None:
        def deliver() -> None:
            try:
                self._written()  # first, so that readers of this process see acknowledged records
            finally:
                for job, (result, error) in zip(group, outcomes, strict=True):
                    job.settle(result, error)

        if group and not self._loop.is_closed():
            with suppress(RuntimeError):  # the loop was closed meanwhile: no caller waits
                self._loop.call_soon_threadsafe(deliver)


class _Checkpoints:
    """Checkpoints of the write-ahead log, beside the commits: one within a commit would delay the writes of all
    processes by the time that it takes to write thousands of pages and to sync them. A thread with a connection of its
    own writes nearly all pages; the next commit writes the rest, so that the write-ahead log can start again from its
    beginning.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._bytes = 0
        self._thread: threading.Thread | None = None

    def committed(self, connection: sqlite3.Connection, size: int) -> None:
        """Count the bytes of a commit; called by the writer, which holds the write lock."""
        self._bytes += size
        if self._thread is not None:
            if not self._thread.is_alive():
                self._thread = None
                _checkpoint(connection)
        elif self._bytes >= _CHECKPOINT_BYTES:
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
            _checkpoint(connection)


def _checkpoint(connection: sqlite3.Connection) -> None:
    """Checkpoint without waiting. After an error the pages stay in the write-ahead log: the next write raises for a
    full disk, the next read for damage.
    """
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _ended_by(failure: BaseException | None) -> str:
    return f"The log's writer has ended ({failure!r}): nothing can be written until this process is started again."
