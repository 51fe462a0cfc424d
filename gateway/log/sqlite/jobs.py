"""The jobs that wait for the embedded log's write lock."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from gateway.errors import LogBusyError, LogUnavailableError
from gateway.log.sqlite.append import Append

Work: TypeAlias = Callable[[sqlite3.Connection], Any] | Append
"""A job's work inside the group's transaction. A LogError raised before the job writes fails this job alone."""

_QUEUE = 10_000
_QUEUE_BYTES = 64 << 20
_GROUP = 1_000
_GROUP_BYTES = 256 << 10
"""Other processes wait while a group is written: the relay's commits of all partitions do not form one group."""
_SMALL_BYTES = 16 << 10


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

    @property
    def bulk(self) -> bool:
        """Whether it is larger than 16 KiB, such as a slice of an upload; a single offer is not."""
        return self.size > _SMALL_BYTES


class Jobs:
    """Two queues, of small jobs and of bulk ones. The event loop adds jobs; the writer's two threads take them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = {bulk: threading.Condition(self._lock) for bulk in (False, True)}
        self._waiting: dict[bool, deque[Job]] = {False: deque(), True: deque()}
        self._small_passed = False
        self._bytes = 0
        self._closing = False
        self.failure: BaseException | None = None

    def add(self, job: Job, *, bounded: bool) -> None:
        """Queue a job. Raises LogBusyError when the queue is full; the limit of bytes holds only if ``bounded``. Raises
        LogUnavailableError after ``close`` or ``fail``.
        """
        with self._lock:
            if self._closing:
                raise LogUnavailableError("The log has been closed.")
            if self.failure is not None:
                raise LogUnavailableError(ended_by(self.failure))
            if sum(map(len, self._waiting.values())) >= _QUEUE:
                raise LogBusyError(f"{_QUEUE} writes are waiting for the log; try again later.")
            if bounded and self._bytes and self._bytes + job.size > _QUEUE_BYTES:
                raise LogBusyError(f"{self._bytes:,} bytes are waiting for the log; try again later.")
            self._waiting[job.bulk].append(job)
            self._bytes += job.size
            self._changed[job.bulk].notify()

    def withdraw(self, job: Job) -> bool:
        """Remove a job that has not begun. Returns whether it will not be written."""
        with self._lock:
            if job in self._waiting[job.bulk]:  # else ``fail`` has removed it
                self._waiting[job.bulk].remove(job)
                self._bytes -= job.size
            return not job.begun

    def wait(self, *, bulk: bool) -> bool:
        """Wait for a job of this kind. False: the queue has been closed, and none is left."""
        with self._lock:
            self._changed[bulk].wait_for(lambda: self._waiting[bulk] or self._closing)
            return bool(self._waiting[bulk])

    def next_bulk(self) -> list[Job]:
        """The bulk jobs of the next group; they stay in the queue."""
        with self._lock:
            return _group(self._waiting[True])

    def take(self, *, bulk: bool, most: int = _GROUP) -> list[Job]:
        """The jobs of the next group. Small ones that wait precede bulk ones, but not in two consecutive groups of the
        bulk thread. At most ``most`` bulk ones are taken.
        """
        with self._lock:
            if bulk:
                self._small_passed = not self._small_passed and bool(self._waiting[False])
            small = not bulk or self._small_passed
            waiting = self._waiting[not small]
            group = _group(waiting) if small else _group(waiting)[:most]
            for job in group:
                waiting.popleft()
                job.begun = True
            return group

    def finish(self, group: list[Job]) -> None:
        """The group no longer counts against the limit."""
        with self._lock:
            self._bytes -= sum(job.size for job in group)

    def fail(self, failure: BaseException) -> list[Job]:
        """Refuse all later jobs. Returns those that waited."""
        with self._lock:
            self.failure = failure
            left = [job for queue in self._waiting.values() for job in queue]
            for queue in self._waiting.values():
                queue.clear()
            return left

    def close(self) -> None:
        """Refuse all later jobs; those that wait are still to be taken."""
        with self._lock:
            self._closing = True
            for changed in self._changed.values():
                changed.notify()


def _group(waiting: Iterable[Job]) -> list[Job]:
    """The first jobs of a queue: at most 1,000, and no more once they reach 256 KiB."""
    group: list[Job] = []
    size = 0
    for job in waiting:
        if len(group) == _GROUP or size >= _GROUP_BYTES:
            break
        size += job.size
        group.append(job)
    return group


def ended_by(failure: BaseException | None) -> str:
    """A sentence for the log's users: the writer has ended, and why."""
    return f"The log's writer has ended ({failure!r}): nothing can be written until this process is started again."
