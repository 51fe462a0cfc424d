"""Accelerated time for a simulator and its callers: a clock and a matching sleep."""

import asyncio
import time

from gateway import clock


class FastTime:
    """Time at ``speed`` times the real one. Processes with equal ``start`` (milliseconds since 1970) and ``origin``
    (seconds of the machine's monotonic clock) share the same time.
    """

    def __init__(self, speed: float, *, start: int | None = None, origin: float | None = None) -> None:
        self.speed = speed
        self.start = clock.now() if start is None else start
        self.origin = time.monotonic() if origin is None else origin

    def clock(self) -> int:
        """The present instant in milliseconds since 1970."""
        return self.start + int((time.monotonic() - self.origin) * 1000 * self.speed)

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds of this time."""
        await asyncio.sleep(seconds / self.speed)
