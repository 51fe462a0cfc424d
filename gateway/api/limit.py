"""Limits on how often a partner asks, and on how many uploads and exports run: refused at once, never queued."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from aiohttp import hdrs, web
from multidict import istr

from gateway.api.context import context_of
from gateway.api.problem import ProblemError
from gateway.protocol.partner import Partner

_MINUTE = 60.0
_SLOT_RETRY_SECONDS = 5
_POLICY = istr("RateLimit-Policy")
_LEFT = istr("RateLimit")


@dataclass(slots=True)
class Bucket:
    """A token bucket: holds a minute's worth of requests and fills evenly. Time is in seconds on any steady clock."""

    most: int
    tokens: float
    filled_at: float

    def take(self, now: float) -> bool:
        """Take one; False when it is empty."""
        self.tokens = min(self.most, self.tokens + max(0.0, now - self.filled_at) * self.most / _MINUTE)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    @property
    def seconds_to_next(self) -> int:
        """Whole seconds until there is one again, at least 1."""
        return max(1, ceil((1 - self.tokens) * _MINUTE / self.most))

    @property
    def seconds_to_full(self) -> int:
        """Whole seconds until nothing is missing."""
        return ceil((self.most - self.tokens) * _MINUTE / self.most)


class Rates:
    """One bucket for each partner: they are dozens, and only proven ones get here."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, Bucket] = {}

    def bucket(self, platform: str, now: float) -> Bucket:
        """The partner's bucket, full at first."""
        found = self._buckets.get(platform)
        if found is None:
            found = self._buckets[platform] = Bucket(self._per_minute, self._per_minute, now)
        return found


class Slots:
    """Slots for what takes long: uploads, exports. One partner gets at most half of them, so that none keeps the
    others out; ``full`` is the code of the problem that says there is none.
    """

    def __init__(self, most: int, *, full: str) -> None:
        self._most = most
        self._most_each = max(1, most // 2)
        self._full = full
        self._taken: dict[str, int] = {}

    @contextmanager
    def one(self, platform: str) -> Iterator["Slot"]:
        """Hold a slot while entered. Raises ProblemError when there is none."""
        if not self.take(platform):
            raise ProblemError(self._full, headers={hdrs.RETRY_AFTER: str(_SLOT_RETRY_SECONDS)})
        slot = Slot(self, platform)
        try:
            yield slot
        finally:
            slot.release()

    def take(self, platform: str) -> bool:
        """Count one more; False where there is none."""
        mine = self._taken.get(platform, 0)
        if mine >= self._most_each or sum(self._taken.values()) >= self._most:
            return False
        self._taken[platform] = mine + 1
        return True

    def give_back(self, platform: str) -> None:
        """Count one less."""
        self._taken[platform] -= 1
        if not self._taken[platform]:
            del self._taken[platform]


class Slot:
    """One slot that is held."""

    def __init__(self, slots: Slots, platform: str) -> None:
        self._slots = slots
        self._platform = platform

    def exchange(self, slots: Slots) -> None:
        """Hold one of these instead, where one is free."""
        if slots.take(self._platform):
            self.release()
            self._slots = slots

    def release(self) -> None:
        """It is free again."""
        self._slots.give_back(self._platform)


RATES: web.AppKey[Rates] = web.AppKey("rates", Rates)
SLOTS: web.AppKey[Slots] = web.AppKey("slots", Slots)
WAITS: web.AppKey[Slots] = web.AppKey("waits", Slots)
"""Of uploads that are queued and wait for their decisions."""
_BUCKET: web.RequestKey[Bucket] = web.RequestKey("bucket", Bucket)


def limit_rate(request: web.Request, partner: Partner, now: float) -> None:
    """Refuse a partner's request beyond its rate: 429 with Retry-After (ERR-006). ``now`` is the event loop's time."""
    bucket = request.app[RATES].bucket(partner.platform, now)
    request[_BUCKET] = bucket
    if not bucket.take(now):
        retry: dict[str, str] = {hdrs.RETRY_AFTER: str(bucket.seconds_to_next)}
        raise ProblemError("rate-limited", headers=retry, expected=context_of(request).limits.requests_per_minute)


def tell_rate(request: web.Request, response: web.StreamResponse) -> None:
    """Put what is left on the answer, just before it is sent (draft-ietf-httpapi-ratelimit-headers)."""
    bucket = request.get(_BUCKET)
    if bucket is not None:
        response.headers[_POLICY] = f'"partner";q={bucket.most};w={int(_MINUTE)}'
        response.headers[_LEFT] = f'"partner";r={int(bucket.tokens)};t={bucket.seconds_to_full}'
