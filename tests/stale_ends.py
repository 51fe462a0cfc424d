"""A log with one stale broker, which was suspended: it returns old ends of topics; everything else works."""

import math

from gateway.clock import Clock, now
from gateway.log.memory import Store
from tests.memory_log import MemoryLog


class StaleEndsLog(MemoryLog):
    """``stale_ends`` holds the stale ends by topic; after ``stale_calls`` calls the true ones are returned."""

    def __init__(self, *, clock: Clock = now, store: Store | None = None) -> None:
        super().__init__(clock=clock, store=store)
        self.stale_ends: dict[str, tuple[int, ...]] = {}
        self.stale_calls = math.inf

    async def ends(self, topic: str) -> tuple[int, ...]:
        """The stale ends; the owner of a partition still gets its true end."""
        if topic not in self.stale_ends or self.stale_calls == 0:
            return await super().ends(topic)
        self.stale_calls -= 1
        return self.stale_ends[topic]
