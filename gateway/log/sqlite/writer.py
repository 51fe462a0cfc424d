"""The writer of the embedded log, as the event loop uses it."""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.errors import LogError, LogUnavailableError, UnknownOutcomeError
from gateway.log.sqlite.append import Append
from gateway.log.sqlite.group_commit import GroupCommit, Outcome
from gateway.log.sqlite.jobs import Job, Jobs, Work, ended_by
from gateway.log.sqlite.write_lock import WriteLock
from gateway.runtime.checkpoints import Checkpoints
from gateway.runtime.loop import settle

_CHECKPOINT_BYTES = 4 << 20


class Writer:
    """Executes work submitted from the thread of ``loop``, in two threads with a connection each: one for small jobs,
    one for bulk jobs. ``written`` is called in the loop's thread after each commit, with the new ends by stream number;
    None: not known.

    ``connect`` opens a connection; ``lock_file`` is that of the write lock of all processes that write this log.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        *,
        loop: asyncio.AbstractEventLoop,
        lock_file: Path,
        patience: float,
        written: Callable[[Mapping[int, int] | None], None],
        clock: Clock,
    ) -> None:
        self._loop = loop
        self._patience = patience
        self._written = written
        self._jobs = Jobs()
        self._ended = asyncio.Event()
        self._checkpoints = Checkpoints(connect, after=_CHECKPOINT_BYTES)
        with ExitStack() as opened:
            files = [
                (bulk, opened.enter_context(closing(connect())), opened.enter_context(closing(WriteLock(lock_file))))
                for bulk in (False, True)
            ]
            opened.pop_all()
        self._threads = [
            GroupCommit(
                self._jobs,
                bulk=bulk,
                connection=connection,
                lock=lock,
                checkpoints=self._checkpoints,
                clock=clock,
                answer=self._answer,
                ended=self._note_end,
            )
            for bulk, connection, lock in files
        ]

    async def do(self, work: Work, *, size: int = 0, bounded: bool = True) -> Any:
        """The result of the work, for an append the offsets of its records, once it is synced to disk. ``size`` is the
        bytes that it writes; work that is not ``bounded`` ignores the limit of queued bytes: that of owners, each of
        which has one commit at a time.

        Raises LogBusyError when the queue is full, LogUnavailableError when certainly nothing was written (a full disk,
        or no write lock in time), UnknownOutcomeError when ``patience`` ended during the write, FencedError.
        """
        job = Job(work, size)
        self._jobs.add(job, bounded=bounded)
        end = self._loop.call_later(self._patience, self._give_up, job)
        try:
            return await job.answer
        finally:
            end.cancel()

    def _give_up(self, job: Job) -> None:
        if self._jobs.withdraw(job):
            error: LogError = LogUnavailableError(f"The log did not get to this write within {self._patience} s.")
        else:
            error = UnknownOutcomeError(f"The log did not finish this write within {self._patience} s.")
        settle(job.answer, None, error)

    async def ended(self) -> None:
        """Wait until a thread has ended before ``close``, and raise its failure as a LogError."""
        await self._ended.wait()
        raise LogError(ended_by(self._jobs.failure)) from self._jobs.failure

    def close(self) -> None:
        """Write queued jobs, then end; blocks until the threads have ended."""
        self._jobs.close()
        for thread in self._threads:
            thread.join()
        self._checkpoints.close()

    def _note_end(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ended.set)

    def _answer(self, group: Collection[Job], outcomes: Sequence[Outcome]) -> None:
        def deliver() -> None:
            try:
                self._written(_ends(group, outcomes))  # first, so that readers of this process see acknowledged records
            finally:
                for job, (result, error) in zip(group, outcomes, strict=True):
                    settle(job.answer, result, error)

        if group and not self._loop.is_closed():
            with suppress(RuntimeError):  # the loop was closed meanwhile: no caller waits
                self._loop.call_soon_threadsafe(deliver)


def _ends(group: Collection[Job], outcomes: Sequence[Outcome]) -> Mapping[int, int] | None:
    """The ends of the streams that a group of appends has written to; None if it did other work."""
    ends: dict[int, int] = {}
    for job, (offsets, error) in zip(group, outcomes, strict=True):
        if not isinstance(job.work, Append):
            return None
        if error is None:
            ends.update((stream.number, last + 2) for stream, (_, last) in offsets.items())  # type: ignore[attr-defined]
    return ends
