"""Slices of time: costly work of one source leaves the loop to other tasks, and sources are served in rotation."""

import asyncio
import time
from itertools import pairwise

from gateway.runtime.fair_slices import FairSlices


def spin(seconds: float) -> None:
    """Keep the processor busy, as an explanation does."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class Requests:
    """A task that runs as often as possible, like a request that waits for the loop."""

    def __init__(self) -> None:
        self.iterations = 0

    async def run(self) -> None:
        while True:
            self.iterations += 1
            await asyncio.sleep(0)


async def test_a_costly_source_leaves_the_loop_to_others() -> None:
    """After each costly item the loop is free; every tenth one used to be followed by a pause."""
    requests = Requests()
    other = asyncio.create_task(requests.run())
    seen: list[int] = []

    def step(_: int) -> bool:
        spin(0.005)
        seen.append(requests.iterations)
        return True

    await FairSlices().work("flood", iter(range(10)), step)
    other.cancel()
    gained = [after - before for before, after in pairwise(seen)]
    assert min(gained) > 10


async def test_cheap_items_share_a_slice_that_ends() -> None:
    requests = Requests()
    other = asyncio.create_task(requests.run())
    seen: list[int] = []

    def step(_: int) -> bool:
        spin(0.0005)
        seen.append(requests.iterations)
        return False

    await FairSlices().work("good", iter(range(200)), step)
    other.cancel()
    assert seen[-1] - seen[0] > 10
    assert len(set(seen)) < 200


async def test_sources_are_served_in_rotation() -> None:
    """A source with few items does not wait for the end of one with many."""
    slices, done = FairSlices(), list[str]()

    def step(item: str) -> bool:
        spin(0.002)
        done.append(item)
        return item == "flood"

    await asyncio.gather(
        slices.work("flood", iter(["flood"] * 40), step),
        slices.work("flood", iter(["flood"] * 40), step),
        slices.work("good", iter(["good"] * 10), step),
    )
    assert done.index("good") < 5
    assert done.count("flood") == 80
    last_good = len(done) - done[::-1].index("good")
    assert last_good <= 45


async def test_an_error_of_one_item_frees_the_loop_for_others() -> None:
    slices = FairSlices()

    def fail(_: int) -> bool:
        raise ZeroDivisionError

    results = await asyncio.gather(
        slices.work("a", iter([1]), fail), slices.work("a", iter([1]), lambda _: False), return_exceptions=True
    )
    assert [type(one) for one in results] == [ZeroDivisionError, type(None)]
