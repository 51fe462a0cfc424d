"""Limits on the request rate of a partner, and of an address without a token, and on concurrent uploads and exports:
refused at once, never queued.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from aiohttp import hdrs, web
from multidict import istr

from gateway.api.context import client_of, context_of
from gateway.api.problem import ProblemError
from gateway.protocol.partner import Partner
from gateway.runtime.proxies import blocks_of

_MINUTE = 60.0
_SLOT_RETRY_SECONDS = 5
_ADDRESSES_OF_PARTNER = 5
_MAX_ADDRESSES = 8_192
_POLICY = istr("RateLimit-Policy")
_REMAINING = istr("RateLimit")


@dataclass(slots=True)
class Bucket:
    """A token bucket: holds a minute's worth of requests and fills evenly. Times are seconds of a monotonic clock."""

    most: int
    tokens: float
    filled_at: float

    def take(self, now: float) -> bool:
        """Take one token; False if the bucket is empty."""
        self.tokens = min(self.most, self.tokens + max(0.0, now - self.filled_at) * self.most / _MINUTE)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    @property
    def seconds_to_next(self) -> int:
        """Whole seconds until the next token, at least 1."""
        return max(1, ceil((1 - self.tokens) * _MINUTE / self.most))

    @property
    def seconds_to_full(self) -> int:
        """Whole seconds until the bucket is full."""
        return ceil((self.most - self.tokens) * _MINUTE / self.most)


class Rates:
    """One bucket per partner: there are dozens, and only authenticated ones have a bucket."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, Bucket] = {}

    def bucket(self, platform: str, now: float) -> Bucket:
        """The partner's bucket, full at first."""
        found = self._buckets.get(platform)
        if found is None:
            found = self._buckets[platform] = Bucket(self._per_minute, self._per_minute, now)
        return found


class AddressRates:
    """Buckets of network addresses, for requests without a token: a fifth of a partner's rate each (an IPv6 /64 is one
    address, its /48 has four times as much). The least recently used is dropped first.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = max(1, per_minute // _ADDRESSES_OF_PARTNER)
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait(self, client: str, kind: str, now: float) -> int:
        """Count a request; the seconds after which it may be sent again, 0 if it is within the rate."""
        for block, times in blocks_of(client).items():
            bucket = self._bucket(f"{block}{kind}", self.per_minute * times, now)
            if not bucket.take(now):
                return bucket.seconds_to_next
        return 0

    def _bucket(self, key: str, most: int, now: float) -> Bucket:
        bucket = self._buckets.setdefault(key, Bucket(most, most, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket


class Slots:
    """Slots for long requests: uploads, exports. One partner holds at most half of them, so that it cannot lock out the
    others, or ``each``; ``full`` is the problem code for no free slot.
    """

    def __init__(self, most: int, *, full: str, each: int | None = None) -> None:
        self._most = most
        self._most_each = each or max(1, most // 2)
        self._full = full
        self._taken: dict[str, int] = {}

    @contextmanager
    def one(self, platform: str) -> Iterator["Slot"]:
        """Hold a slot while entered. Raises ProblemError if none is free."""
        if not self.take(platform):
            raise ProblemError(self._full, headers={hdrs.RETRY_AFTER: str(_SLOT_RETRY_SECONDS)})
        slot = Slot(self, platform)
        try:
            yield slot
        finally:
            slot.release()

    def take(self, platform: str) -> bool:
        """Take a slot; False if none is free."""
        mine = self._taken.get(platform, 0)
        if mine >= self._most_each or sum(self._taken.values()) >= self._most:
            return False
        self._taken[platform] = mine + 1
        return True

    def give_back(self, platform: str) -> None:
        """Return a slot."""
        self._taken[platform] -= 1
        if not self._taken[platform]:
            del self._taken[platform]


class Slot:
    """A held slot."""

    def __init__(self, slots: Slots, platform: str) -> None:
        self._slots = slots
        self._platform = platform

    def exchange(self, slots: Slots) -> None:
        """Exchange the slot for one of ``slots``, if one is free."""
        if slots.take(self._platform):
            self.release()
            self._slots = slots

    def release(self) -> None:
        """Return the slot."""
        self._slots.give_back(self._platform)


RATES: web.AppKey[Rates] = web.AppKey("rates", Rates)
ADDRESS_RATES: web.AppKey[AddressRates] = web.AppKey("address_rates", AddressRates)
SLOTS: web.AppKey[Slots] = web.AppKey("slots", Slots)
WAITS: web.AppKey[Slots] = web.AppKey("waits", Slots)
"""Slots of queued uploads that wait for their decisions."""
_BUCKET: web.RequestKey[Bucket] = web.RequestKey("bucket", Bucket)


def limit_rate(request: web.Request, partner: Partner, now: float) -> None:
    """Refuse a partner's request beyond its rate: 429 with Retry-After (ERR-006). ``now`` is the event loop's time."""
    bucket = request.app[RATES].bucket(partner.platform, now)
    request[_BUCKET] = bucket
    if not bucket.take(now):
        retry: dict[str, str] = {hdrs.RETRY_AFTER: str(bucket.seconds_to_next)}
        raise ProblemError("rate-limited", headers=retry, expected=context_of(request).limits.requests_per_minute)


def limit_address(request: web.Request, now: float) -> None:
    """Refuse a request without a token beyond the rate of its address: 429 with Retry-After (ERR-006)."""
    rates = request.app[ADDRESS_RATES]
    seconds = rates.wait(client_of(request), kind_of(request), now)
    if seconds:
        raise ProblemError("address-limited", headers={hdrs.RETRY_AFTER: str(seconds)}, expected=rates.per_minute)


def kind_of(request: web.Request) -> str:
    """The kind under which a request without a token is counted, beside its address: partners' token requests wait
    behind no visitors, who may have the same address.
    """
    return " tokens" if request.path.startswith("/oauth/") else ""


def set_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the remaining quota on the answer, just before it is sent (draft-ietf-httpapi-ratelimit-headers)."""
    bucket = request.get(_BUCKET)
    if bucket is not None:
        response.headers[_POLICY] = f'"partner";q={bucket.most};w={int(_MINUTE)}'
        response.headers[_REMAINING] = f'"partner";r={int(bucket.tokens)};t={bucket.seconds_to_full}'
