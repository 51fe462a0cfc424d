"""Limits on visitors without an account: two requests of work at once for each network address, a few dozen in all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from gateway.pages.base.refusal import PageRefusedError
from gateway.runtime.proxies import blocks_of

MAX_SLOTS_EACH = 2
_MAX_OF_BLOCK = 64
MAX_SLOTS = 32
_ADDRESS_RETRY_SECONDS = 2
BUSY_RETRY_SECONDS = 5


class AddressSlots:
    """Slots for the work of visitors, at most two of one address (an IPv6 /64 is one; its /48 has four times as
    many) and ``most`` of one process.

    ``shared``: a file by which the processes of a gateway hold the slots of an address in common. Each slot is one byte
    of it that is locked; the file stays empty. The system releases the locks of a process that dies.
    """

    def __init__(self, *, most: int = MAX_SLOTS, shared: Path | None = None) -> None:
        self._most = most
        self._now = 0
        self._taken: dict[str, set[int]] = {}
        self._shared = None if shared is None else os.open(shared, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Hold a slot while entered. Raises PageRefusedError: 429 if this address holds all of its own, 503 if there is
        none for any address.
        """
        if self._now >= self._most:
            raise PageRefusedError("busy", retry_after=BUSY_RETRY_SECONDS)
        held: list[tuple[str, int]] = []
        try:
            for block, times in blocks_of(address).items():
                slot = self._take(block, MAX_SLOTS_EACH * times)
                if slot is None:
                    raise PageRefusedError("address-busy", retry_after=_ADDRESS_RETRY_SECONDS)
                held.append((block, slot))
            self._now += 1
            try:
                yield
            finally:
                self._now -= 1
        finally:
            for block, slot in held:
                self._give_back(block, slot)

    @property
    def held(self) -> int:
        """The number of held slots."""
        return self._now

    def close(self) -> None:
        """Close the shared file; releases every slot."""
        if self._shared is not None:
            os.close(self._shared)
            self._shared = None

    def _take(self, address: str, most: int) -> int | None:
        mine = self._taken.get(address, set())
        for slot in range(most):
            if slot not in mine and self._lock(address, slot):
                self._taken.setdefault(address, set()).add(slot)
                return slot
        return None

    def _give_back(self, address: str, slot: int) -> None:
        mine = self._taken[address]
        mine.discard(slot)
        if not mine:
            del self._taken[address]
        if self._shared is not None:
            with suppress(OSError):
                fcntl.lockf(self._shared, fcntl.LOCK_UN, 1, self._offset(address, slot))

    def _lock(self, address: str, slot: int) -> bool:
        """Whether no other process holds the slot; without locks in the file system, each process counts alone."""
        if self._shared is None:
            return True
        try:
            fcntl.lockf(self._shared, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self._offset(address, slot))
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            return True
        return True

    def _offset(self, address: str, slot: int) -> int:
        key = int.from_bytes(blake2b(address.encode(), digest_size=7).digest())
        return key * _MAX_OF_BLOCK + slot
