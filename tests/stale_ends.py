"""A log of which one broker slept: what it tells of a topic's end is old, while everything else goes on."""

import math

from gateway.clock import Clock, now
from gateway.log.memory import MemoryLog, Store


class StaleEndsLog(MemoryLog):
    """``stale_ends`` holds the ends that the broker tells, by topic; after so many ``stale_calls`` it has learnt the true ones."""

    def __init__(self, *, clock: Clock = now, store: Store | None = None) -> None:
        super().__init__(clock=clock, store=store)
        self.stale_ends: dict[str, tuple[int, ...]] = {}
        self.stale_calls = math.inf

    async def ends(self, topic: str) -> tuple[int, ...]:
        """As the broker that slept tells them; who owns a partition learns its true end all the same."""
        if topic not in self.stale_ends or self.stale_calls == 0:
            return await super().ends(topic)
        self.stale_calls -= 1
        return self.stale_ends[topic]
