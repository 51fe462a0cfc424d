"""Common parts of the log's implementations: the bounds of one append, owners, a single process's membership."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from gateway.errors import LogError, LogUnavailableError
from gateway.log.port import Output
from gateway.protocol.record import Record

MAX_RECORDS = 1_000
MAX_BYTES = 1_048_576

Commit: TypeAlias = Callable[[Sequence[Output]], Awaitable[Mapping[tuple[str, int], int]]]
"""Writes outputs atomically, as ``Owner.commit``."""
End: TypeAlias = Callable[[str, int], Awaitable[int]]
"""The end offset of a partition, as ``Owner.end``."""


def check_bounds(records: Sequence[Record]) -> int:
    """The bytes of an append. Raises ValueError for one that is empty or larger than the port allows."""
    size = size_of(records)
    if not 1 <= len(records) <= MAX_RECORDS or size > MAX_BYTES:
        raise ValueError(
            f"append takes 1 to {MAX_RECORDS} records and at most {MAX_BYTES} bytes, not {len(records)} and {size}"
        )
    return size


def size_of(records: Sequence[Record]) -> int:
    """The bytes of keys, values and headers."""
    size = 0
    for record in records:
        if record.key is not None:
            size += len(record.key)
        if record.value is not None:
            size += len(record.value)
        for name, value in record.headers:
            size += len(name.encode()) + len(value)
    return size


def by_partition(outputs: Sequence[Output]) -> dict[tuple[str, int], list[Record]]:
    """The records of each (topic, partition), in their order."""
    parts: dict[tuple[str, int], list[Record]] = {}
    for output in outputs:
        parts.setdefault((output.topic, output.partition), []).append(output.record)
    return parts


class SpentOwner:
    """An owner that is spent after its first failed commit: from then on it raises the same error."""

    def __init__(self, commit: Commit, end: End) -> None:
        self._commit = commit
        self._end = end
        self._failure: LogError | None = None

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Write all outputs, or none."""
        self._check()
        try:
            return await self._commit(outputs)
        except LogError as failure:
            self._failure = failure
            raise

    async def end(self, topic: str, partition: int) -> int:
        """The end offset of a partition."""
        self._check()
        return await self._end(topic, partition)

    async def close(self) -> None:
        """Release the partition: no further commit is possible."""
        self._failure = LogUnavailableError("This owner has been closed.")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure


class SingleMembership:
    """A permanent assignment of all partitions: such a log is meant for one process. Two would fence each other."""

    def __init__(self, partitions: int) -> None:
        self._assignment = frozenset(range(partitions))
        self._returned = False

    async def changed(self) -> frozenset[int]:
        """All partitions at the first call; later calls never return."""
        if self._returned:
            await asyncio.Event().wait()
        self._returned = True
        return self._assignment

    async def close(self) -> None:
        """Nothing to leave: the group has no other member."""
