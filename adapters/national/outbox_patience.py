"""Patience: how long to wait after a failure, of one call and of the whole site; time and chance are given."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from adapters.national.rate import Sleep
from gateway.clock import Clock, now

Chance: TypeAlias = Callable[[], float]
"""Gives a number from 0 to below 1, another one each time."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The time that the connector lives in: a clock, the sleep that goes with it, and chance, so that a test can have
    its own.
    """

    clock: Clock = now
    sleep: Sleep = asyncio.sleep
    chance: Chance = random.random


TRIES = 8
"""How often a call is tried in vain, while the site answers others, before it is given up."""
TRIPS_AFTER = 5

_FIRST_MS = 5_000
LONGEST_MS = 3_600_000
_PAUSE_MS = 30_000
_LONGEST_PAUSE_MS = 600_000


def backoff(tries: int, chance: Chance) -> int:
    """Milliseconds until the next try after so many in vain: doubling, and spread so that tries do not meet."""
    return _spread(min(LONGEST_MS, _FIRST_MS << min(tries, 20)), chance)


class Breaker:
    """Stops all calls after five failures on end; then lets one through now and again until one is answered.

    What fails while it is open is the site's fault, and not counted against the offer that happened to be tried.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._failures = 0
        self._opens_at = 0

    @property
    def tripped(self) -> bool:
        """Whether the site is taken to be down."""
        return self._failures >= TRIPS_AFTER

    def succeeded(self) -> None:
        """The site answered."""
        self._failures = 0

    def failed(self, now: int) -> None:
        """The site did not answer, or failed."""
        self._failures += 1
        if self.tripped:
            longer = min(_LONGEST_PAUSE_MS, _PAUSE_MS << min(self._failures - TRIPS_AFTER, 10))
            self._opens_at = now + _spread(longer, self._chance)

    def trip(self, now: int) -> None:
        """No call can succeed before the operator has done something: look again after the longest pause."""
        self._failures = max(self._failures, TRIPS_AFTER)
        self._opens_at = now + _LONGEST_PAUSE_MS

    def wait(self, now: int) -> int:
        """Milliseconds until a call may be made. More than the longest pause: the clock has gone back."""
        pause = self._opens_at - now
        return pause if self.tripped and 0 < pause <= _LONGEST_PAUSE_MS else 0


def _spread(milliseconds: int, chance: Chance) -> int:
    return round(milliseconds * (0.5 + chance() / 2))
