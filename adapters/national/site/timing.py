"""Timing of calls: rate limit of an account, backoff of one call, circuit breaker of the whole site.

Clock, sleep and chance are injected. The site allows 100 calls per clock minute, account and service.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.clock import Clock, now

Sleep: TypeAlias = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds of its clock."""

Chance: TypeAlias = Callable[[], float]
"""Returns a random number in [0, 1)."""

Key: TypeAlias = tuple[str, str]
"""The id of an offer and the level group of its part."""

PER_MINUTE = 100
MINUTE = 60_000
GUARD = 1_000
"""Milliseconds at both ends of a minute in which no call starts: the site has another clock, and calls take time."""

TRIES = 8
"""Failures of a call, while the site answers others, after which it is given up."""
TRIPS_AFTER = 5
"""Failures in a row that open the breaker; the same number of calls is tried together while it is open."""

LONG_FAILED = 10
"""Failures in a row, in over an hour, after which a call may count as a try without an answer to another offer."""

_AROUND_MS = 60_000
_FIRST_MS = 5_000
MAX_MS = 3_600_000
_PAUSE_MS = 30_000
_MAX_PAUSE_MS = 600_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, sleep and chance of the connector; tests inject their own."""

    clock: Clock = now
    sleep: Sleep = asyncio.sleep
    chance: Chance = random.random


class Rate:
    """Rate slots of one account and service. All callers of an account share one object.

    Slots are given in the order of requests, evenly spaced, at most ``limit`` in one minute.
    """

    def __init__(self, *, clock: Clock, sleep: Sleep = asyncio.sleep, limit: int = PER_MINUTE) -> None:
        self.limit = limit
        self._clock = clock
        self._sleep = sleep
        self._spacing = (MINUTE - 2 * GUARD) // limit
        self._queue = asyncio.Lock()
        self._minute = -1
        self._used = 0
        self._free_at = 0

    async def wait_for_slot(self) -> None:
        """Wait until one more call may start."""
        async with self._queue:
            while (wait := self._wait()) > 0:
                await self._sleep(wait / 1000)
            self._used += 1
            self._free_at = self._clock() + self._spacing

    def spend(self) -> None:
        """Mark this minute as used up: the site refused a call. Other processes and clock skew are not counted here."""
        self._enter(self._clock() // MINUTE)
        self._used = self.limit

    def _wait(self) -> int:
        """Milliseconds until the next slot; the clock is read again after each wait."""
        now = self._clock()
        self._enter(now // MINUTE)
        self._free_at = min(self._free_at, now + self._spacing)  # the clock may have gone back
        begin, end = self._minute * MINUTE + GUARD, (self._minute + 1) * MINUTE - GUARD
        start = max(now, begin, self._free_at)
        if self._used >= self.limit or start > end:
            start = end + 2 * GUARD
        return start - now

    def _enter(self, minute: int) -> None:
        if minute != self._minute:
            self._minute, self._used = minute, 0


def backoff(tries: int, chance: Chance) -> int:
    """Milliseconds until the next try after ``tries`` failures: exponential, with jitter, at most ``MAX_MS``."""
    return _spread(min(MAX_MS, _FIRST_MS << min(tries, 20)), chance)


class Breaker:
    """Circuit breaker: stops all calls after five failures in a row; then lets a few through at intervals, until one is
    answered.

    A read checks the site first. If reads are answered, the pause between trials stays short: the site is up, and the
    failing calls may be those of a few offers that it can never process. If a write is answered too, the site is not
    down, although the breaker stays open until one of these calls is answered, or no call is left.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._failures = 0
        self._opens_at = 0
        self._probed = False
        self._answers = False

    @property
    def tripped(self) -> bool:
        """Whether the breaker is open."""
        return self._failures >= TRIPS_AFTER

    @property
    def down(self) -> bool:
        """Whether the site answers no write, as far as is known."""
        return self.tripped and not self._answers

    def counts(self, failures: int) -> bool:
        """Whether the failure of a call that failed ``failures`` times before counts without an answer to another
        offer: a call that can never succeed ends without traffic, and an hour without creations costs no offer.
        """
        return self.tripped and self._answers and failures >= LONG_FAILED

    @property
    def needs_read(self) -> bool:
        """Whether a read must be answered before the next write."""
        return self.tripped and not self._probed

    def succeeded(self) -> None:
        """Close the breaker: the site answered a write."""
        self._failures = 0
        self._probed = self._answers = False

    def probed(self, *, writes: bool) -> None:
        """Allow some writes: the site answered a read. ``writes``: it answered a write too."""
        self._probed, self._answers = True, writes

    def recheck(self) -> None:
        """Ask for another check: no call is due that could show that the site is up again."""
        self._probed = False

    def failed(self, now: int) -> None:
        """Record a failure of the site. Concurrent calls lengthen the pause only once."""
        if self.wait(now):
            return
        self._failures = TRIPS_AFTER if self._probed else self._failures + 1
        self._answers = self._answers and self._probed  # without a read before it, the read itself failed
        self._probed = False
        if self.tripped:
            longer = min(_MAX_PAUSE_MS, _PAUSE_MS << min(self._failures - TRIPS_AFTER, 10))
            self._opens_at = now + _spread(longer, self._chance)

    def trip(self, now: int) -> None:
        """Open the breaker for the longest pause: no call can succeed before the operator has acted."""
        self._failures = max(self._failures, TRIPS_AFTER)
        self._probed = self._answers = False
        self._opens_at = now + _MAX_PAUSE_MS

    def wait(self, now: int) -> int:
        """Milliseconds until a call may be made; 0 if the clock has gone back beyond the longest pause."""
        pause = self._opens_at - now
        return pause if self.tripped and 0 < pause <= _MAX_PAUSE_MS else 0


class CountedTries:
    """Decides which failed calls count as tries of their offer: those with an answered write of another offer at most a
    minute before or after. A failure within an outage does not count.
    """

    def __init__(self) -> None:
        self._failed: dict[Key, int] = {}
        self._answered: dict[str, int] = {}

    def failed(self, key: Key, now: int) -> bool:
        """Record a failed call; returns whether it counts already. ``answered`` may return it later."""
        counts = any(offer != key[0] and now - at <= _AROUND_MS for offer, at in self._answered.items())
        if not counts:
            self._failed[key] = now
        return counts

    def answered(self, offer_id: str, now: int) -> list[Key]:
        """Record an answered write of this offer; returns the failed calls that count now."""
        self._answered = {offer: at for offer, at in self._answered.items() if now - at <= _AROUND_MS}
        self._answered[offer_id] = now
        counted = [key for key, at in self._failed.items() if key[0] != offer_id and now - at <= _AROUND_MS]
        for key in counted:
            del self._failed[key]
        return counted

    def uncounted(self) -> list[Key]:
        """Return and clear the failed calls that do not count: those of an outage."""
        keys = list(self._failed)
        self._failed.clear()
        return keys


def _spread(milliseconds: int, chance: Chance) -> int:
    return round(milliseconds * (0.5 + chance() / 2))
