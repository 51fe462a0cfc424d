"""A log of which one broker slept: what it tells of a topic's end is old, while everything else goes on."""

import math

from gateway.clock import Clock, now
from gateway.log.memory import MemoryLog, Store


class StaleEndsLog(MemoryLog):
    """``told`` holds the ends that the broker tells, by topic; after so many ``words`` it has learnt the true ones."""

    def __init__(self, *, clock: Clock = now, store: Store | None = None) -> None:
        super().__init__(clock=clock, store=store)
        self.told: dict[str, tuple[int, ...]] = {}
        self.words = math.inf

    async def ends(self, topic: str) -> tuple[int, ...]:
        """As the broker that slept tells them; who owns a partition learns its true end all the same."""
        if topic not in self.told or self.words == 0:
            return await super().ends(topic)
        self.words -= 1
        return self.told[topic]
