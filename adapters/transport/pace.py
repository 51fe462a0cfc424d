"""Minimum transfer rate: a slow sender is cut long before its time limit."""

import asyncio

from adapters.transport.error import FeedError
from adapters.transport.feed import Terms


class Pace:
    """Measures the bytes received per window of ``terms.pace_seconds``. A read time-out ends a silent transfer."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self._bytes = 0

    def take(self, size: int) -> None:
        """Count ``size`` received bytes. Raises FeedError if a window has too few."""
        self._bytes += size
        seconds = self._time() - self._began
        if seconds < self._terms.pace_seconds:
            return
        if self._bytes < self._terms.least_rate * seconds:
            raise FeedError("feed-trickles", rate=self._terms.least_rate)
        self._began, self._bytes = self._time(), 0
