"""Group commit: the jobs that wait are written in one transaction and synced once."""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, TypeAlias

from gateway.clock import Clock
from gateway.errors import LogError, LogUnavailableError, UnknownOutcomeError
from gateway.log.sqlite.append import Append, AppendRows, append_all, rows_of
from gateway.log.sqlite.jobs import Job, Jobs, ended_by
from gateway.log.sqlite.write_lock import WriteLock
from gateway.runtime.checkpoints import Checkpoints
from gateway.runtime.sqlite_damage import is_damage

Outcome: TypeAlias = tuple[object, Exception | None]

_COMMIT_BYTES = 32 << 10
"""Estimate of the pages that a commit writes beside its records."""


class GroupCommit:
    """A thread that writes groups of one kind of jobs, until they are closed or an error ends it. ``answer`` is called
    with the jobs of a group and their outcomes, ``ended`` after an error.
    """

    def __init__(
        self,
        jobs: Jobs,
        *,
        bulk: bool,
        connection: sqlite3.Connection,
        lock: WriteLock,
        checkpoints: Checkpoints,
        clock: Clock,
        answer: Callable[[Collection[Job], Sequence[Outcome]], None],
        ended: Callable[[], None],
    ) -> None:
        self._jobs = jobs
        self._bulk = bulk
        self._connection = connection
        self._lock = lock
        self._checkpoints = checkpoints
        self._clock = clock
        self._answer = answer
        self._ended = ended
        self._thread = threading.Thread(target=self._run, name="log-bulk" if bulk else "log-small", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended, and close its files."""
        self._thread.join()
        self._connection.close()
        self._lock.close()

    def _run(self) -> None:
        """Write groups until closed. An error that ends this thread before is the answer to all queued and later jobs:
        a log without answers would look like a slow one.
        """
        group: list[Job] = []
        try:
            while self._jobs.wait(bulk=self._bulk):
                self._write(group)
        except BaseException as failure:  # noqa: BLE001  # raised to every caller, and by ``Writer.ended``
            with suppress(Exception):
                self._connection.close()  # an open transaction would keep the other thread waiting
            waiting = self._jobs.fail(failure)
            self._ended()
            begun = UnknownOutcomeError(ended_by(failure))
            self._answer(group, [(None, begun)] * len(group))
            self._answer(waiting, [(None, LogUnavailableError(ended_by(failure)))] * len(waiting))

    def _write(self, group: list[Job]) -> None:
        """Write a group, which is chosen once the write lock is held: a small job that arrives meanwhile does not wait
        for a bulk one. ``group`` holds the jobs in progress, so that ``_run`` can answer them after a failure.
        """
        expected = self._jobs.next_bulk() if self._bulk else []
        prepared = self._prepare(expected)
        try:
            self._lock.acquire(bulk=self._bulk)
        except OSError as error:
            group += self._jobs.take(bulk=self._bulk)
            failure = LogUnavailableError(f"The log's lock file cannot be locked ({error}); nothing was written.")
            outcomes: Sequence[Outcome] = [(None, failure)] * len(group)
        else:
            try:
                group += self._jobs.take(bulk=self._bulk, most=len(expected))
                outcomes = self._transact(group, prepared) if group else []
                size = sum(job.size for job in group) + _COMMIT_BYTES if group else 0
                self._checkpoints.committed(self._connection, size)
            finally:
                self._lock.release()
        self._checkpoints.begin_due()
        self._jobs.finish(group)
        done = group.copy()
        group.clear()
        self._answer(done, outcomes)

    def _prepare(self, jobs: Sequence[Job]) -> AppendRows | None:
        """The rows of these jobs, made before the write lock is held."""
        appends = [job.work for job in jobs if isinstance(job.work, Append)]
        if not appends or len(appends) < len(jobs):
            return None
        try:
            return rows_of(self._connection, appends, at=self._clock())
        except Exception:  # noqa: BLE001  # raised again in the transaction
            return None

    def _transact(self, group: Collection[Job], prepared: AppendRows | None) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        committing = False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for is_append, run in groupby((job.work for job in group), key=lambda one: isinstance(one, Append)):
                works = [*run]
                outcomes += self._append(works, prepared) if is_append else self._call(works)
            committing = True
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  # raised to every caller of the group
            return [(None, self._undo(error, committing=committing))] * len(group)
        return outcomes

    def _append(self, works: Sequence[Any], prepared: AppendRows | None) -> Sequence[Outcome]:
        return append_all(self._connection, works, at=self._clock(), prepared=prepared)

    def _call(self, works: Sequence[Any]) -> Iterator[Outcome]:
        for work in works:
            try:
                yield work(self._connection), None
            except LogError as error:
                yield None, error

    def _undo(self, error: Exception, *, committing: bool) -> Exception:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and not is_damage(error):
            if committing and error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                # Only a later read of the file shows the outcome of a failed sync.
                return UnknownOutcomeError(f"The disk failed while the log was being synced ({error}).")
            return LogUnavailableError(f"The log cannot be written ({error}); nothing was. Free space on its disk.")
        return error
