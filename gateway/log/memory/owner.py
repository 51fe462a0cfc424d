"""Owners and open transactions of the log in memory."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from gateway.errors import LogError, LogUnavailableError
from gateway.log.memory.store import Store
from gateway.log.port import Output

Commit: TypeAlias = Callable[[Sequence[Output]], Awaitable[Mapping[tuple[str, int], int]]]


class MemoryOwner:
    """Writes the outputs of one role on one partition; spent after its first failed commit."""

    def __init__(self, commit: Commit, end: Callable[[str, int], int]) -> None:
        self._commit = commit
        self._end = end
        self._failure: LogError | None = None

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Write all outputs, or none. After a failure, raises the same error again."""
        if self._failure is not None:
            raise self._failure
        try:
            return await self._commit(outputs)
        except LogError as failure:
            self._failure = failure
            raise

    async def end(self, topic: str, partition: int) -> int:
        """The end offset of a partition. After a failed commit, raises the same error again."""
        if self._failure is not None:
            raise self._failure
        return self._end(topic, partition)

    async def close(self) -> None:
        """Release the partition: no further commit is possible."""
        self._failure = LogUnavailableError("This owner has been closed.")


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
