"""Owners, memberships and open transactions of the log in memory."""

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
        """Write all outputs, or none. Raises the same error again once it has failed."""
        if self._failure is not None:
            raise self._failure
        try:
            return await self._commit(outputs)
        except LogError as failure:
            self._failure = failure
            raise

    async def end(self, topic: str, partition: int) -> int:
        """The end of the partition. Raises the same error again once a commit has failed."""
        if self._failure is not None:
            raise self._failure
        return self._end(topic, partition)

    async def close(self) -> None:
        """Let go: nothing can be committed any more."""
        self._failure = LogUnavailableError("This owner has let go of its partition.")


class OpenTransaction:
    """A transaction whose writer does not move on; it holds back the ends of the partitions it wrote to."""

    def __init__(self, store: Store, role: str, partition: int, outputs: Sequence[Output], *, at: int) -> None:
        self._store = store
        self._place = role, partition
        self._spans = store.begin(role, partition, outputs, at=at)

    async def commit(self) -> None:
        """Make the outputs visible. Raises FencedError when a new owner aborted it."""
        self._store.end(*self._place, self._spans, commit=True)

    async def abort(self) -> None:
        """Drop the outputs. Raises FencedError when a new owner did already."""
        self._store.end(*self._place, self._spans, commit=False)
