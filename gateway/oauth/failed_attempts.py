"""Guards of the token endpoint, both bounded in memory: against guessing, and against replayed assertions."""

import hashlib
import heapq
from collections import OrderedDict

ATTEMPTS = 20
WINDOW_MS = 60_000
_CLIENTS = 10_000
_REPLAYS = 10_000


class FailedAttempts:
    """Counts failed attempts per client id and network address: 20 a minute, then that pair waits. If several
    ``processes`` serve one gateway, each allows its part of them, rounded up.

    The address is part of the key, so that guesses from elsewhere cannot lock out the platform itself. Secrets have 256
    bits: the limit saves work and log lines and does not protect the secrets, so dropping the oldest pair is harmless.
    """

    def __init__(self, *, processes: int = 1) -> None:
        self._most = -(-ATTEMPTS // processes)
        self._failures: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def wait(self, client: str, peer: str, *, now: int) -> int:
        """Seconds until this pair may try again; 0 if it may now. ``now`` in milliseconds of the monotonic clock."""
        count, began = self._failures.get(_digest(client, peer), (0, 0))
        left = began + WINDOW_MS - now
        return -(-left // 1000) if count >= self._most and left > 0 else 0

    def failed(self, client: str, peer: str, *, now: int) -> None:
        """Count one failed attempt."""
        key = _digest(client, peer)
        count, began = self._failures.pop(key, (0, now))
        self._failures[key] = (count + 1, began) if now < began + WINDOW_MS else (1, now)
        if len(self._failures) > _CLIENTS:
            self._failures.popitem(last=False)


class ReplaysFullError(Exception):
    """A client has reached the limit of live assertions; no further one is accepted until some have expired."""


class SeenAssertions:
    """The ``jti`` of every live assertion, per client, at most 10,000 each.

    Only verified assertions are recorded, so a client can fill no more than its own share.
    """

    def __init__(self) -> None:
        self._seen: dict[str, set[bytes]] = {}
        self._ends: dict[str, list[tuple[int, bytes]]] = {}

    def first_use(self, client: str, token_id: str, *, until: int, now: int) -> bool:
        """Whether this id is new; it is then known until ``until``. Times in ms of the monotonic clock. Raises
        ReplaysFullError.
        """
        seen, ends = self._seen.setdefault(client, set()), self._ends.setdefault(client, [])
        while ends and ends[0][0] <= now:
            seen.discard(heapq.heappop(ends)[1])
        key = _digest(token_id)
        if key in seen:
            return False
        if len(seen) >= _REPLAYS:
            raise ReplaysFullError
        seen.add(key)
        heapq.heappush(ends, (until, key))
        return True


def _digest(*parts: str) -> bytes:
    """A key of fixed size for client input of any length."""
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).digest()
