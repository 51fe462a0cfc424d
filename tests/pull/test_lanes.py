"""Slow feeds and good ones beside each other: real fetches from servers that send too little."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.pull.lanes import Lanes
from adapters.transport.feed import Feed, FeedError, FetchLimits, Unchanged
from adapters.transport.https import HttpsPull
from tests.transport.hostile import HEAD, saying, talking

pytestmark = pytest.mark.slow

SOON = 20.0
TRICKLE = saying(HEAD + b"Content-Length: 1000000\r\n\r\n<", b"o")
GOOD = saying(HEAD + b"Content-Length: 9\r\n\r\n<offers/>")


@pytest.fixture
async def slow() -> AsyncIterator[int]:
    async with talking(TRICKLE) as port:
        yield port


@pytest.fixture
async def good() -> AsyncIterator[int]:
    async with talking(GOOD) as port:
        yield port


class Fetches:
    """Concurrent fetches of some platforms, in lanes with a short limit."""

    def __init__(self, folder: Path, *, slow: int = 16) -> None:
        self._limits = FetchLimits(folder=folder)
        self.lanes = Lanes(quick=2, slow=slow, seconds=0.2)
        self.tasks: dict[str, asyncio.Task[Feed | Unchanged]] = {}

    def begin(self, platform: str, port: int) -> "asyncio.Task[Feed | Unchanged]":
        transport = HttpsPull(f"http://127.0.0.1:{port}/feed", loopback=True)
        task = asyncio.create_task(self.lanes.fetch(platform, transport.fetch({}, self._limits)))
        self.tasks[platform] = task
        return task

    async def come(self, platform: str, port: int) -> None:
        """Publish a good feed."""
        async with asyncio.timeout(SOON):
            feed = await self.begin(platform, port)
        assert isinstance(feed, Feed)
        feed.close()

    async def counted(self, **expected: int) -> None:
        async with asyncio.timeout(SOON):
            while dict(self.lanes.counts) != expected:
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        async with asyncio.timeout(SOON):
            await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        await self.counted(quick=0, slow=0, waiting=0)


@pytest.fixture
async def fetches(tmp_path: Path) -> AsyncIterator[Fetches]:
    found = Fetches(tmp_path)
    yield found
    await found.end()


async def test_slow_feeds_leave_the_quick_slots_to_the_others(fetches: Fetches, slow: int, good: int) -> None:
    for number in range(9):
        fetches.begin(f"slow{number}", slow)
    await fetches.come("good", good)
    await fetches.counted(quick=0, slow=9, waiting=0)
    await fetches.come("good", good)


async def test_a_platform_known_to_be_slow_begins_in_the_slow_lane_until_it_is_quick_again(
    fetches: Fetches, slow: int, good: int
) -> None:
    task = fetches.begin("one", slow)
    await fetches.counted(quick=0, slow=1, waiting=0)
    task.cancel()
    await fetches.counted(quick=0, slow=0, waiting=0)
    fetches.begin("one", slow)
    await asyncio.sleep(0)
    await fetches.counted(quick=0, slow=1, waiting=0)
    fetches.tasks["one"].cancel()
    await fetches.come("one", good)
    await fetches.come("one", good)
    assert {"quick": 0, "slow": 0, "waiting": 0} == dict(fetches.lanes.counts)


async def test_a_feed_that_becomes_slow_while_the_slow_lane_is_full_is_cut_and_waits_for_it_next_time(
    tmp_path: Path, slow: int, good: int
) -> None:
    fetches = Fetches(tmp_path, slow=1)
    fetches.begin("first", slow)
    await fetches.counted(quick=0, slow=1, waiting=0)
    second = fetches.begin("second", slow)
    async with asyncio.timeout(SOON):
        with pytest.raises(FeedError) as refused:
            await second
    assert "feed-slow-lane-full" == refused.value.code
    fetches.begin("second", slow)
    await fetches.counted(quick=0, slow=1, waiting=1)
    await fetches.come("good", good)
    fetches.tasks["first"].cancel()
    await fetches.counted(quick=0, slow=1, waiting=0)
    await fetches.end()
