"""Run CPU-heavy iterations on the event loop in short slices, fairly between sources."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

_SLICE_SECONDS = 0.002
_REST_OF_ALL = 1.0
_REST_OF_ONE = 2.0
"""Pauses after costly work, as multiples of its duration: the first for all sources, the second for the one source. One
source then takes at most a quarter of a processor, and all of them together at most half.
"""

Item = TypeVar("Item")


class FairSlices:
    """Shares the event loop between sources, such as the inboxes of all platforms."""

    def __init__(self) -> None:
        self._slot = asyncio.Lock()  # first come, first served
        self._sources: dict[str, asyncio.Lock] = {}

    async def work(self, source: str, items: Iterator[Item], step: Callable[[Item], bool]) -> None:
        """Call ``step`` for each item. A slice ends after 2 ms; other sources and tasks run before the next one.
        ``step`` returns whether its duration counts as costly and is followed by a pause.
        """
        mine = self._sources.setdefault(source, asyncio.Lock())
        ended = False
        while not ended:
            async with mine:
                async with self._slot:
                    ended, costly = self._work_slice(items, step)
                    await asyncio.sleep(_REST_OF_ALL * costly)
                if costly:
                    await asyncio.sleep(_REST_OF_ONE * costly)

    def _work_slice(self, items: Iterator[Item], step: Callable[[Item], bool]) -> tuple[bool, float]:
        """Run one slice. Returns whether the items have ended, and the seconds of costly work."""
        clock = asyncio.get_running_loop().time
        costly, began = 0.0, clock()
        before = began
        for item in items:
            is_costly = step(item)
            now = clock()
            costly += (now - before) if is_costly else 0.0
            if now - began >= _SLICE_SECONDS:
                return False, costly
            before = now
        return True, costly
