"""Subscriptions to pushes: what a platform has set, one record a platform on the topic ``subscriptions``. Pure.

The settings are written by the acts of the platform alone, and the progress of each subscription by the sender alone
(``gateway.protocol.push``): no key has two writers. An order of the owner (test, enable, replay) is a number that the
act raises, and that the sender copies once it has followed it; so nothing depends on two clocks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from gateway.clock import CLOCKS_MS
from gateway.protocol.record import Record
from gateway.protocol.value import from_members
from gateway.protocol.visibility import Filter

MAX_SUBSCRIPTIONS = 5
"""Subscriptions of a platform."""
HOUR_MS = 3_600_000
TESTS_AN_HOUR = 10
"""Tests of a platform, whatever subscription they are of: deleting one and adding it again gives none back."""
ACTS_AN_HOUR = 60
"""Acts of a platform: the journal keeps each for years."""
OVERLAP_MS = 24 * HOUR_MS
"""The time for which a replaced key still signs."""
PREFERRED_BYTES, MAX_BYTES, MIN_BYTES = 20_480, 65_536, 1_024
MAX_RATE = 600
"""Pushes a minute: the sender's commits are at least 100 ms apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key of a subscription: a random ``nonce`` from which it is derived, and the end of a replaced one (ms)."""

    nonce: str = field(repr=False)
    ends_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The settings of one subscription. ``id`` is random: one of the same name that is added later is another.

    ``url``: its query is a credential. ``criteria``: the filter in JSON; ``own_territory``: it names no territory, so
    the platform's own applies. ``max_batch`` in bytes, ``rate`` in pushes a minute. ``consent`` is the random number of
    the url, from which its code is derived; ``confirmed``: the owner of the url has posted the code. ``tests``,
    ``enables``, ``replays``: numbers of orders. ``skip``: id and sequence of a change that is passed over.
    """

    id: str
    name: str
    url: str = field(repr=False)
    criteria: Mapping[str, Any] = field(default_factory=dict, hash=False)
    own_territory: bool = True
    max_batch: int = PREFERRED_BYTES
    rate: int = MAX_RATE
    keys: tuple[SigningKey, ...] = ()
    consent: str = ""
    confirmed: bool = False
    tests: int = 0
    enables: int = 0
    replays: int = 0
    skip: tuple[str, int] | None = None

    def filter(self, territory: frozenset[str]) -> Filter:
        """The filter that applies to a platform with this territory."""
        found = read_filter_json(self.criteria)
        return replace(found, department=territory) if self.own_territory else found

    def signing(self, now: int) -> tuple[SigningKey, ...]:
        """The keys that sign now, the newest first."""
        return tuple(key for key in self.keys if key.ends_at is None or key.ends_at > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSubscriptions:
    """The subscriptions of a platform. They belong to the membership that began at ``joined_at``: a platform that was
    revoked and added again has none. ``tested`` and ``acted``: when its last tests, and acts, were ordered (ms).
    """

    platform: str
    joined_at: int | None = None
    tested: tuple[int, ...] = ()
    acted: tuple[int, ...] = ()
    items: tuple[Subscription, ...] = ()

    def get(self, name: str) -> Subscription | None:
        """The subscription of a name."""
        return next((one for one in self.items if one.name == name), None)

    def put(self, one: Subscription) -> "PlatformSubscriptions":
        """With this subscription in place of the one of its name."""
        return replace(self, items=tuple(_sorted([*(x for x in self.items if x.name != one.name), one])))

    def drop(self, name: str) -> "PlatformSubscriptions":
        """Without the subscription of a name."""
        return replace(self, items=tuple(one for one in self.items if one.name != name))


def within_an_hour(times: Iterable[int], now: int) -> tuple[int, ...]:
    """The times of the last hour; a later one is of a clock that was ahead, and would bound acts for as long."""
    return tuple(one for one in times if now - HOUR_MS < one <= now + CLOCKS_MS)


def _sorted(items: Iterable[Subscription]) -> list[Subscription]:
    return sorted(items, key=lambda one: one.name)


def rotated(one: Subscription, nonce: str, *, now: int) -> Subscription:
    """With a new key; the present ones sign for another day. Raises ValueError while two sign already, unless a clock
    that was ahead has written the end of one.
    """
    signing, latest = one.signing(now), now + OVERLAP_MS + CLOCKS_MS
    if ends := [key.ends_at for key in signing if key.ends_at is not None and key.ends_at <= latest]:
        raise ValueError(max(ends))
    kept = tuple(replace(key, ends_at=now + OVERLAP_MS) for key in signing)
    return replace(one, keys=(SigningKey(nonce=nonce), *kept))


def read_filter_json(members: Mapping[str, Any]) -> Filter:
    """The inverse of ``Filter.to_json``."""
    read: dict[str, Any] = {name: tuple(x) if name == "bbox" else frozenset(x) for name, x in members.items()}
    return Filter(**read)


def platform_record(subscriptions: PlatformSubscriptions) -> Record:
    """The settings of a platform as a record."""
    body = asdict(subscriptions)
    return Record(body.pop("platform").encode(), orjson.dumps(body))


def erased_record(platform: str) -> Record:
    """The tombstone of the settings of a platform."""
    return Record(platform.encode(), None)


def read_platform(key: bytes, value: bytes) -> PlatformSubscriptions:
    """The inverse of ``platform_record``. Raises ValueError on a value that the gateway did not write."""
    try:
        body = orjson.loads(value)
        found = from_members(
            PlatformSubscriptions,
            {
                **body,
                "platform": key.decode(),
                "tested": tuple(body["tested"]),
                "acted": tuple(body["acted"]),
                "items": tuple(_read_subscription(one) for one in body["items"]),
            },
        )
        for one in found.items:
            read_filter_json(one.criteria)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"subscriptions with other members: {error}") from error
    return found


def _read_subscription(body: Mapping[str, Any]) -> Subscription:
    keys = tuple(from_members(SigningKey, one) for one in body["keys"])
    skip = None if body.get("skip") is None else (str(body["skip"][0]), int(body["skip"][1]))
    return from_members(Subscription, {**body, "keys": keys, "skip": skip})
