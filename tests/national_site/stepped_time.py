"""Time that advances only by sleeping, for a simulator and its callers."""

import asyncio


class SteppedTime:
    """A sleep advances it at once, so that calls take no time."""

    def __init__(self, start: int) -> None:
        self.now = start

    def clock(self) -> int:
        """The present instant in milliseconds since 1970."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Advance to the end of the sleep, unless another sleeper has moved further meanwhile."""
        end = self.now + round(seconds * 1000)
        await asyncio.sleep(0)
        self.now = max(self.now, end)
