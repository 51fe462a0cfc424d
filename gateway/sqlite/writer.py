"""The writer: one thread, and group commit. Everything that waits is written in one transaction and synced once."""

import asyncio
import fcntl
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from gateway.damage import is_damage
from gateway.ports import LogBusyError, LogError, LogUnavailableError, UnknownOutcomeError

Work: TypeAlias = Callable[[sqlite3.Connection], Any]
"""What a job does inside the group's transaction. A LogError that it raises before writing fails this job alone."""

_QUEUE = 10_000
_GROUP = 1_000
_T = TypeVar("_T")


class Job:
    """One piece of work, and where its answer goes. ``begun`` tells whether it may have been written."""

    __slots__ = ("answer", "begun", "loop", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Any] = self.loop.create_future()
        self.begun = False

    def settle(self, result: object, error: Exception | None) -> None:
        """Give the answer, in the thread of the event loop."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


class Writer:
    """Takes work from the event loop's thread; ``written`` is called there after each commit. ``turn`` is the file that
    the processes which write this log lock in turn.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        turn: Path,
        patience: float,
        written: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._turn = turn.open("ab")
        self._patience = patience
        self._written = written
        self._jobs: deque[Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """The result of the work, once it is synced to disk.

        Raises LogBusyError when too much waits, LogUnavailableError when certainly nothing was written (a full disk, or
        the turn never came), UnknownOutcomeError when patience ended while it was being written.
        """
        job = Job(work)
        with self._wake:
            if self._closing:
                raise LogUnavailableError("The log has been closed.")
            if len(self._jobs) >= _QUEUE:
                raise LogBusyError(f"{_QUEUE} writes are waiting for the log; try again later.")
            self._jobs.append(job)
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
            raise LogUnavailableError(f"The log did not get to this write within {self._patience} s.") from None

    def close(self) -> None:
        """Write what waits, then end; blocks until the thread is done."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._connection.close()
        self._turn.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._closing:
                    self._wake.wait()
                if not self._jobs:
                    return
                group = [self._jobs.popleft() for _ in range(min(len(self._jobs), _GROUP))]
                for job in group:
                    job.begun = True
            self._answer(group, self._commit(group))

    def _commit(self, group: Collection[Job]) -> list[tuple[object, Exception | None]]:
        """Do the group's work in one transaction: an outcome per job. The processes of one machine take turns at a lock
        file, where the system wakes the next one at once; SQLite's own lock would have to be tried again and again.
        """
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            return self._transact(group)
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

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
        except Exception as error:  # noqa: BLE001  # told to every caller of the group
            return [(None, self._undo(error, committing=committing))] * len(group)
        return outcomes

    def _undo(self, error: Exception, *, committing: bool) -> Exception:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            if committing and error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                # What the disk made of a failed sync, only a later reading of the file can tell.
                return UnknownOutcomeError(f"The disk failed while the log was being synced ({error}).")
            return LogUnavailableError(f"The log cannot be written ({error}); nothing was. Free space on its disk.")
        return error

    def _answer(self, group: Collection[Job], outcomes: Collection[tuple[object, Exception | None]]) -> None:
        def tell() -> None:
            try:
                self._written()  # first, so that readers of this process see what is acknowledged
            finally:
                for job, (result, error) in zip(group, outcomes, strict=True):
                    job.settle(result, error)

        loop = next(iter(group)).loop
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell)
