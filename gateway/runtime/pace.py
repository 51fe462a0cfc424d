"""Paces the work that many clients cause on one event loop."""

import asyncio

STEP_SECONDS = 0.01


class ReceivePace:
    """Grants one step every 10 ms, in order of arrival. A step receives up to 256 KiB of one client, which takes 0.1 ms
    or more of the event loop's time.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def step(self) -> None:
        """Wait for the next step."""
        async with self._lock:
            await asyncio.sleep(STEP_SECONDS)
