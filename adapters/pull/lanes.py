"""Lanes: limit concurrent fetches, so that slow feeds never delay the schedule of the others.

A fetch starts in the quick lane. A slow one moves to the slow lane while it runs, and the platform's next fetches start
there until one is quick again.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import structlog

from adapters.transport.feed import FeedError

QUICK_SLOTS = 2
SLOW_SLOTS = 16
QUICK_SECONDS = 15.0
"""Longest use of a quick slot by a fetch, and so a feed's longest wait for each pair of feeds that have become slow."""

Result = TypeVar("Result")

_log = structlog.get_logger()


class Lanes:
    """The slots of both lanes."""

    def __init__(self, *, quick: int = QUICK_SLOTS, slow: int = SLOW_SLOTS, seconds: float = QUICK_SECONDS) -> None:
        self._quick = asyncio.Semaphore(quick)
        self._slow = asyncio.Semaphore(slow)
        self._seconds = seconds
        self._known_slow: set[str] = set()
        self._running = {"quick": 0, "slow": 0}
        self._waiting = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """Running fetches by lane, and fetches waiting for a slot."""
        return {**self._running, "waiting": self._waiting}

    async def fetch(self, platform: str, work: Coroutine[Any, Any, Result]) -> Result:
        """Run the work in a slot. Raises its error, and FeedError if it is slow and the slow lane is full."""
        lane = "slow" if platform in self._known_slow else "quick"
        try:
            await self._enter(lane)
        except BaseException:
            work.close()
            raise
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._seconds)
            if done:
                self._known_slow.discard(platform)
                return task.result()
            self._known_slow.add(platform)
            if lane == "quick":
                lane = await self._move(platform)
            return await task
        finally:
            try:
                await _end(task)
            finally:
                self._leave(lane)

    async def _move(self, platform: str) -> str:
        """Move from the quick to the slow lane without waiting; return the lane. Raises FeedError if it is full."""
        if self._slow.locked():
            raise FeedError("feed-slow-lane-full")
        await self._enter("slow")
        self._leave("quick")
        _log.info("pull.slow", platform=platform)
        return "slow"

    async def _enter(self, lane: str) -> None:
        self._waiting += 1
        try:
            await self._slots(lane).acquire()
        finally:
            self._waiting -= 1
        self._running[lane] += 1

    def _leave(self, lane: str) -> None:
        self._running[lane] -= 1
        self._slots(lane).release()

    def _slots(self, lane: str) -> asyncio.Semaphore:
        return self._slow if lane == "slow" else self._quick


async def _end(task: "asyncio.Future[Any]") -> None:
    """Cancel the task and wait for its end: every transport ends soon after its cancellation."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
