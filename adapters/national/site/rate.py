"""The site's rate limit: 100 calls per clock minute, account and service; spreads calls over the minute."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from gateway.clock import Clock

Sleep: TypeAlias = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds of its clock."""

PER_MINUTE = 100
MINUTE = 60_000
GUARD = 1_000
"""Milliseconds at both ends of a minute in which no call starts: the site has another clock, and calls take time."""


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
