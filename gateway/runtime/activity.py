"""The instants of partners' last requests and platforms' last submissions, as all processes of a gateway see it."""

import mmap
import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import IO, Self

_PAIRS = (0, 2)
_ITEMS = 4
"""Of each process and table two pairs of 8 bytes: the latest time, and whose act it was; then those of the latest act
of another partner.
"""
_TABLES = 2
_PROCESS_BYTES = _TABLES * _ITEMS * 8


class Activity:
    """Times of one kind of act in memory that processes may share: requests in ``table`` 0, submissions in 1. Times are
    those of ``time.monotonic``, which all processes of a machine have in common. A process writes its own pairs only;
    one that reads a pair while it changes may err about one act.
    """

    def __init__(self, memory: bytearray | mmap.mmap | None = None, *, process: int = 0, table: int = 0) -> None:
        bytes_ = memoryview(bytearray(_PROCESS_BYTES) if memory is None else memory)
        self._times, self._keys = bytes_.cast("d"), bytes_.cast("Q")
        self._own = (process * _TABLES + table) * _ITEMS
        self._all = tuple(
            first + pair for first in range(table * _ITEMS, len(self._keys), _TABLES * _ITEMS) for pair in _PAIRS
        )

    @classmethod
    def attach(cls, descriptor: int, *, process: int) -> tuple[Self, Self]:
        """Requests and submissions in the memory of ``shared_memory``, in a process with this number from 0 on; closes
        the descriptor.
        """
        try:
            memory = mmap.mmap(descriptor, 0)
            return cls(memory, process=process), cls(memory, process=process, table=1)
        finally:
            os.close(descriptor)

    def note(self, key: int, now: float) -> None:
        """An act of this partner begins."""
        times, keys, own = self._times, self._keys, self._own
        if keys[own + 1] != key:
            times[own + 2], keys[own + 3] = times[own], keys[own + 1]
            keys[own + 1] = key
        times[own] = now

    def others_since(self, key: int, since: float) -> bool:
        """Whether another partner has acted after this time."""
        times, keys = self._times, self._keys
        for at in self._all:  # noqa: SIM110  # each request asks: a generator would take twice as long
            if times[at] > since and keys[at + 1] not in {0, key}:
                return True
        return False


def shared_memory(folder: Path, processes: int) -> IO[bytes]:
    """A file without a name, for ``Activity.attach`` in this many processes; in memory where the system has such files,
    else in the folder. Raises OSError.
    """
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("passerelle-activity"), "w+b")  # the caller closes it
    else:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # the same
    file.write(bytes(processes * _PROCESS_BYTES))  # real blocks: a write to a hole of a full disk would kill a process
    file.flush()
    return file


def key_of(name: str) -> int:
    """The number of a partner, never 0."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) or 1
