"""The least rate of a transfer: a sender that trickles is cut long before its time limit."""

import asyncio

from adapters.transport.error import FeedError
from adapters.transport.feed import Terms


class Pace:
    """Measures bytes on the wire over windows of ``terms.pace_seconds``; silence is for a read time-out to end."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self._bytes = 0

    def take(self, size: int) -> None:
        """So many bytes have come. Raises FeedError when a window brought too few."""
        self._bytes += size
        seconds = self._time() - self._began
        if seconds < self._terms.pace_seconds:
            return
        if self._bytes < self._terms.least_rate * seconds:
            raise FeedError("feed-trickles", rate=self._terms.least_rate)
        self._began, self._bytes = self._time(), 0
