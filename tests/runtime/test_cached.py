"""A value that many requests share: one computation at a time, for a limited time, without errors."""

import asyncio

import pytest

from gateway.runtime.cached import Cached
from tests.harness import until


class Counter:
    """Returns 1, 2, 3 …; each computation waits for ``released``."""

    def __init__(self) -> None:
        self.number = 0
        self.now = 0
        self.released = asyncio.Event()
        self.error: Exception | None = None

    async def compute(self) -> int:
        self.number += 1
        number = self.number
        await self.released.wait()
        if self.error is not None:
            raise self.error
        return number

    def cached(self) -> Cached[int]:
        return Cached(self.compute, milliseconds=5_000, clock=lambda: self.now)


async def test_requests_at_the_same_time_share_one_computation() -> None:
    counter = Counter()
    cached = counter.cached()
    waiting = [asyncio.create_task(cached.get()) for _ in range(50)]
    await until(lambda: counter.number == 1)
    counter.now = 60_000  # it takes longer than the value lasts
    waiting += [asyncio.create_task(cached.get()) for _ in range(50)]
    await asyncio.sleep(0)
    counter.released.set()
    assert [1] * 100 == await asyncio.gather(*waiting)


async def test_a_value_is_computed_again_when_it_is_too_old() -> None:
    counter = Counter()
    counter.released.set()
    cached = counter.cached()
    found = []
    for counter.now in (0, 4_999, 5_000, 9_999, 10_000):
        found.append(await cached.get())
    assert [1, 1, 2, 2, 3] == found


async def test_an_error_is_raised_to_all_who_wait_and_not_kept() -> None:
    counter = Counter()
    cached = counter.cached()
    counter.error = RuntimeError("the view is closed")
    waiting = [asyncio.create_task(cached.get()) for _ in range(3)]
    await until(lambda: counter.number == 1)
    counter.released.set()
    assert [counter.error] * 3 == await asyncio.gather(*waiting, return_exceptions=True)
    counter.error = None
    assert 2 == await cached.get()


async def test_a_request_that_leaves_does_not_stop_the_others() -> None:
    counter = Counter()
    cached = counter.cached()
    first, second = asyncio.create_task(cached.get()), asyncio.create_task(cached.get())
    await until(lambda: counter.number == 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    counter.released.set()
    assert 1 == await second
