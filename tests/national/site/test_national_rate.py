"""The rate: at most the limit in a clock minute, evenly spread, in order, independent of the site's clock."""

import asyncio
from collections import Counter
from itertools import pairwise
from time import monotonic

import pytest

from adapters.national.site.timing import GUARD, MINUTE, Rate
from demo.process import FastTime
from tests.national.site.harness import NOW
from tests.national.site.server import SteppedTime


async def slots(rate: Rate, time: SteppedTime, count: int) -> list[int]:
    taken = []
    for _ in range(count):
        await rate.wait_for_slot()
        taken.append(time.clock())
    return taken


@pytest.mark.parametrize("skew", [-GUARD, 0, GUARD])
@pytest.mark.parametrize("offset", [0, 17_000, 59_500])
async def test_a_clock_minute_takes_a_hundred_calls_whatever_the_sites_clock_says(skew: int, offset: int) -> None:
    time = SteppedTime(NOW + offset)
    taken = await slots(Rate(clock=time.clock, sleep=time.sleep), time, 1000)
    counted = Counter((at + skew) // MINUTE for at in taken)
    assert 100 == max(counted.values())
    assert 10 <= len(counted) <= 11


async def test_pitfall_13_twenty_thousand_calls_take_two_hundred_minutes_evenly(time: SteppedTime) -> None:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    taken = await slots(rate, time, 20_000)
    assert 200 == len({at // MINUTE for at in taken})
    assert min(later - earlier for earlier, later in pairwise(taken)) >= 580


async def test_an_idle_account_saves_no_quota(time: SteppedTime) -> None:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    await rate.wait_for_slot()
    await time.sleep(30)
    taken = await slots(rate, time, 10)
    assert min(later - earlier for earlier, later in pairwise(taken)) >= 580


async def test_a_call_waits_for_the_next_minute_when_the_quota_is_used_up(time: SteppedTime) -> None:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    await rate.wait_for_slot()
    rate.spend()
    await rate.wait_for_slot()
    assert NOW // MINUTE + 1 == time.clock() // MINUTE


async def test_callers_that_share_an_account_get_slots_in_order(time: SteppedTime) -> None:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    served: list[int] = []

    async def caller(number: int) -> None:
        await rate.wait_for_slot()
        served.append(number)

    await asyncio.gather(*map(caller, range(150)))
    assert list(range(150)) == served
    assert NOW // MINUTE + 1 == time.clock() // MINUTE


async def test_a_cancelled_caller_uses_no_slot(time: SteppedTime) -> None:
    rate = Rate(clock=time.clock, sleep=time.sleep, limit=1)
    await rate.wait_for_slot()
    never = asyncio.Event()
    stuck = Rate(clock=time.clock, sleep=lambda _seconds: never.wait(), limit=1)
    await time.sleep(2)
    await stuck.wait_for_slot()
    waiting = asyncio.create_task(stuck.wait_for_slot())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await time.sleep(60)
    await stuck.wait_for_slot()


async def test_processes_with_the_same_origin_share_fast_time() -> None:
    time = FastTime(1000, start=NOW)
    other = FastTime.from_words(*time.words())
    await time.sleep(5)
    assert NOW + 5000 <= time.clock() <= other.clock()


async def test_fast_time_goes_on_slowly_after_its_fast_part() -> None:
    """A sleep that begins in one part and ends in the other lasts what both say."""
    time = FastTime(1000, start=NOW, fast_for=0.01, later=100)
    await time.sleep(15)
    assert NOW + 15_000 <= time.clock()
    slow = FastTime(1000, start=NOW, origin=monotonic() - 60, fast_for=10, later=2)
    assert NOW + 10_000_000 + 100_000 <= slow.clock() < NOW + 10_000_000 + 200_000
