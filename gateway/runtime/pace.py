"""Spaces out what many clients make an event loop do at once."""

import asyncio

STEP_SECONDS = 0.01


class Pace:
    """One step at a time each 10 ms, in the order of arrival. After a step a client that sends without a pause has the
    next 256 KiB received, which takes the event loop 0.1 ms and more.
    """

    def __init__(self, seconds: float = STEP_SECONDS) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()

    async def step(self) -> None:
        """Wait for the next step."""
        async with self._lock:
            await asyncio.sleep(self._seconds)
