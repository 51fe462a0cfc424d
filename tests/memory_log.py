"""The log in memory with the faults of a real one, which tests inject."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, TypeVar

from gateway.errors import FencedError, LogBusyError, LogUnavailableError, UnknownOutcomeError
from gateway.log import memory
from gateway.log.memory import Store
from gateway.log.port import Output

_QUEUE = 1_000
_T = TypeVar("_T")


class WriteFault(Enum):
    """The fault of one write. The caller sees an UnknownOutcomeError for all of them but ``REFUSED``."""

    REFUSED = "refused"
    """LogUnavailableError; nothing is written."""
    LOST = "lost"
    """UnknownOutcomeError; it is never written."""
    UNANSWERED = "unanswered"
    """UnknownOutcomeError; it is written, and the answer is lost."""
    LATE = "late"
    """UnknownOutcomeError; ``MemoryLog.deliver`` writes it, unless its owner has been fenced by then."""


class OpenTransaction:
    """A transaction whose writer has stalled; it holds back the last stable offsets of its partitions."""

    def __init__(self, store: Store, role: str, partition: int, outputs: Sequence[Output], *, at: int) -> None:
        self._store = store
        self._claim = role, partition
        self._spans = store.begin(role, partition, outputs, at=at)

    async def commit(self) -> None:
        """Make the outputs visible. Raises FencedError when a new owner aborted it."""
        self._store.end(*self._claim, self._spans, commit=True)

    async def abort(self) -> None:
        """Drop the outputs. Raises FencedError when a new owner has done so."""
        self._store.end(*self._claim, self._spans, commit=False)


class MemoryLog(memory.MemoryLog):
    """A log in memory. Faults apply to the writes of this client, in the order injected."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._faults: deque[WriteFault] = deque()
        self._late: list[Callable[[], object]] = []
        self._running = asyncio.Event()
        self._running.set()
        self._waiting = 0

    async def close(self) -> None:
        """Wait until stalled writes may proceed; refuse further ones."""
        await super().close()
        if self._waiting:
            await self._running.wait()

    def inject(self, *faults: WriteFault) -> None:
        """Inject one fault into each of the next writes (appends and commits)."""
        self._faults.extend(faults)

    def heal(self) -> None:
        """Remove the faults that no write has met."""
        self._faults.clear()

    async def deliver(self) -> None:
        """Write what met ``WriteFault.LATE``, except commits of fenced owners."""
        late, self._late = self._late, []
        for write in late:
            try:
                write()
            except FencedError:
                continue

    async def hang(self, role: str, partition: int, outputs: Sequence[Output]) -> OpenTransaction:
        """Write outputs in a transaction that stays open and holds back the last stable offsets of its partitions."""
        return OpenTransaction(self._store, role, partition, outputs, at=self._clock())

    @asynccontextmanager
    async def stalled(self) -> AsyncIterator[None]:
        """While entered, writes wait; beyond 1,000 of them the queue is full."""
        self._running.clear()
        try:
            yield
        finally:
            self._running.set()

    async def _write(self, write: Callable[[], _T]) -> _T:
        self._check_open()
        if not self._running.is_set():
            await self._queue()
        match self._faults.popleft() if self._faults else None:
            case None:
                return await super()._write(write)
            case WriteFault.REFUSED:
                raise LogUnavailableError("The log refused the write; nothing was written.")
            case WriteFault.UNANSWERED:
                write()
            case WriteFault.LATE:
                self._late.append(write)
            case WriteFault.LOST:
                pass
        raise UnknownOutcomeError("The log did not answer; the write may or may not have happened.")

    async def _queue(self) -> None:
        if self._waiting == _QUEUE:
            raise LogBusyError(f"{_QUEUE} writes are waiting for the log; try again later.")
        self._waiting += 1
        try:
            await self._running.wait()
        finally:
            self._waiting -= 1
