"""Limits on visitors without an account: two requests of work at once for each network address, a few dozen in all."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from gateway.pages.base.refusal import RefusedError

NO_SLOT = ("address-busy", "busy")
"""Codes of the refusals of a visitor without a slot."""
MOST_EACH = 2
MOST = 32
_ADDRESS_RETRY_SECONDS = 2
BUSY_RETRY_SECONDS = 5


class AddressSlots:
    """Slots for the work of visitors, at most ``each`` of one address (an IPv6 /64 is one) and ``most`` of one process.

    ``shared``: a file by which the processes of a gateway hold the slots of an address in common. Each slot is one byte
    of it that is locked; the file stays empty. The system releases the locks of a process that dies.
    """

    def __init__(self, *, each: int = MOST_EACH, most: int = MOST, shared: Path | None = None) -> None:
        self._each = each
        self._most = most
        self._taken: dict[str, set[int]] = {}
        self._shared = None if shared is None else os.open(shared, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Hold a slot while entered. Raises RefusedError: 429 if this address holds all of its own, 503 if there is
        none for any address.
        """
        if len(self.held) >= self._most:
            raise RefusedError("busy", retry_after=BUSY_RETRY_SECONDS)
        slot = self._take(address)
        if slot is None:
            raise RefusedError("address-busy", retry_after=_ADDRESS_RETRY_SECONDS)
        try:
            yield
        finally:
            self._give_back(address, slot)

    @property
    def held(self) -> Sequence[str]:
        """The addresses of all held slots, one for each slot."""
        return [address for address, slots in self._taken.items() for _ in slots]

    def close(self) -> None:
        """Close the shared file; releases every slot."""
        if self._shared is not None:
            os.close(self._shared)
            self._shared = None

    def _take(self, address: str) -> int | None:
        mine = self._taken.get(address, set())
        for slot in range(self._each):
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
        return key * self._each + slot
