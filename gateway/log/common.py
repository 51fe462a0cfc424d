"""Common parts of the log's implementations: the bounds of one append, and a single process's membership."""

import asyncio
from collections.abc import Sequence

from gateway.protocol.record import Record

MAX_RECORDS = 1_000
MAX_BYTES = 1_048_576


def check_bounds(records: Sequence[Record]) -> None:
    """Raises ValueError for an append that is empty or larger than the port allows."""
    size = size_of(records)
    if not 1 <= len(records) <= MAX_RECORDS or size > MAX_BYTES:
        raise ValueError(
            f"append takes 1 to {MAX_RECORDS} records and at most {MAX_BYTES} bytes, not {len(records)} and {size}"
        )


def size_of(records: Sequence[Record]) -> int:
    """The bytes of keys, values and headers."""
    size = 0
    for record in records:
        size += len(record.key or b"") + len(record.value or b"")
        size += sum(len(name.encode()) + len(value) for name, value in record.headers)
    return size


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
