"""What implementations of the log share: the bounds of one append, and the membership of a process that is alone."""

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


class SoleMembership:
    """All partitions, for good: one process is meant to work on such a log. Two of them would fence each other."""

    def __init__(self, partitions: int) -> None:
        self._share = frozenset(range(partitions))
        self._told = False

    async def changed(self) -> frozenset[int]:
        """All partitions at the first call; never again."""
        if self._told:
            await asyncio.Event().wait()
        self._told = True
        return self._share

    async def close(self) -> None:
        """There is nobody to leave it to."""
