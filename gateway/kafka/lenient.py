"""Lenient unpacking of record batches: header names that are not UTF-8 are decoded with U+FFFD.

aiokafka decodes names strictly and a batch as a whole: one such name in a partner's batch would take the sound records
of that batch with it. Its C extension cannot be changed here, so a batch that fails there is unpacked by its own pure
Python classes, whose buffer decodes leniently (KIP-82 leaves names to be UTF-8, and brokers do not check them).
"""

from typing import Any

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

_CURRENT_MAGIC = 2
_MAGIC_OFFSET = 16


class _LenientBuffer(bytearray):
    """Bytes whose slices decode with U+FFFD in place of what is not UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _LenientBuffer(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for its types only
    def __iter__(self) -> "_LenientBatch":
        self._maybe_uncompress()
        self._buffer: bytearray = _LenientBuffer(self._buffer)
        return self


class LenientRecords(_MemoryRecordsPy):  # type: ignore[misc]  # final for its types only
    """The batches of one partition's answer. Headers came with magic 2, so older batches need no leniency."""

    def next_batch(self) -> Any:
        """The next batch; None at the end. Raises CorruptRecordException."""
        if self._next_slice is None:
            return None
        if len(self._next_slice) <= _MAGIC_OFFSET or self._next_slice[_MAGIC_OFFSET] < _CURRENT_MAGIC:
            raise CorruptRecordException("A batch without headers cannot hold a header name that is not UTF-8.")
        batch = _LenientBatch(self._next_slice)
        self._cache_next()
        return batch
