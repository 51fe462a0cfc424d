"""Shares of the processor: long work in slices, the partner that used least first, short requests before all."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.runtime.processor import (
    SLICE_SECONDS,
    Processor,
    Share,
    ShareUsedError,
)


class ManualClock:
    """A clock moved by the test, so that work takes a given time."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


async def work(
    processor: Processor, share: Share, clock: ManualClock, *, name: str, slices: int, into: list[str]
) -> None:
    """So many whole slices."""
    for _ in range(slices):
        await processor.slice(share)
        into.append(name)
        clock.at += SLICE_SECONDS
        processor.charge(share, SLICE_SECONDS)


async def test_partners_are_served_in_rotation_however_many_requests_each_has() -> None:
    """ERR-006: eight uploads of one partner get no more than one upload of another."""
    clock, order = ManualClock(), list[str]()
    processor = Processor(clock=clock)
    many, one = processor.share("many"), processor.share("one")
    await asyncio.gather(
        *(work(processor, many, clock, name="many", slices=10, into=order) for _ in range(8)),
        work(processor, one, clock, name="one", slices=10, into=order),
    )
    assert 90 == len(order)
    assert 9 <= order[:20].count("one") <= 10


async def test_a_partner_that_rested_has_no_credit() -> None:
    """ERR-006: a late partner gets every second slice, not all slices until it has caught up."""
    clock, order = ManualClock(), list[str]()
    processor = Processor(clock=clock)
    await work(processor, processor.share("early"), clock, name="early", slices=50, into=[])
    await asyncio.gather(
        work(processor, processor.share("early"), clock, name="early", slices=10, into=order),
        work(processor, processor.share("late"), clock, name="late", slices=10, into=order),
    )
    assert 4 <= order[:10].count("early") <= 6


@contextmanager
def short_request(processor: Processor, share: Share) -> Iterator[None]:
    request = object()
    processor.begin(request, share)
    try:
        yield
    finally:
        processor.end(request)


async def test_a_slice_holds_back_while_another_partner_has_a_short_request() -> None:
    """ERR-006: but not behind the partner's own."""
    processor, order = Processor(), list[str]()
    heavy, light = processor.share("heavy"), processor.share("light")

    async def slices() -> None:
        for _ in range(2):
            await processor.slice(heavy)
            order.append("slice")
            until = asyncio.get_running_loop().time() + 2 * SLICE_SECONDS
            while asyncio.get_running_loop().time() < until:
                pass

    with short_request(processor, light):
        running = asyncio.create_task(slices())
        while not order:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        order.append("short")
    await running
    assert ["slice", "short", "slice"] == order


async def test_only_a_partner_beyond_its_share_waits_and_only_while_others_ask() -> None:
    """ERR-006."""
    clock = ManualClock()
    processor = Processor(percent=50, clock=clock)
    heavy = processor.share("heavy")
    processor.charge(heavy, 5.0)
    assert not processor.must_wait(heavy)
    with short_request(processor, processor.share("light")):
        assert processor.must_wait(heavy)
        assert not processor.must_wait(processor.share("light"))
        clock.at += 0.9
        assert processor.must_wait(heavy)
    clock.at += 0.2
    assert not processor.must_wait(heavy)


async def test_a_balance_refills_by_the_share() -> None:
    """ERR-006: half a second for each second."""
    clock = ManualClock()
    processor = Processor(percent=50, clock=clock)
    heavy = processor.share("heavy")
    processor.charge(heavy, 5.0)
    clock.at += 7.9
    processor.begin("light", processor.share("light"))
    assert processor.must_wait(heavy)
    clock.at += 0.2
    assert not processor.must_wait(heavy)


async def test_a_request_that_waits_too_long_is_refused_with_retry_after() -> None:
    """ERR-006: a minute of debt, or 64 requests that wait already."""
    clock = ManualClock()
    processor = Processor(percent=50, clock=clock)
    processor.begin("light", processor.share("light"))
    indebted = processor.share("indebted")
    processor.charge(indebted, 1_000.0)
    with pytest.raises(ShareUsedError) as refused:
        processor.must_wait(indebted)
    assert 60 == refused.value.seconds
    crowded = processor.share("crowded")
    processor.charge(crowded, 3.0)
    waiting = [asyncio.create_task(processor.slice(crowded)) for _ in range(64)]
    await asyncio.sleep(0)
    with pytest.raises(ShareUsedError) as refused:
        processor.must_wait(crowded)
    assert 4 == refused.value.seconds
    await asyncio.gather(*waiting)
    assert processor.must_wait(crowded)


async def test_a_cancelled_waiter_does_not_hold_up_the_others() -> None:
    """ERR-006."""
    processor = Processor()
    share = processor.share("bretagne")
    gone, stays = (asyncio.create_task(processor.slice(share)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(10):
        await stays


async def test_an_address_may_have_more_requests_waiting_and_any_debt() -> None:
    """ERR-006: many clients may share one network address; its queue is bounded all the same."""
    processor = Processor(percent=50, clock=ManualClock())
    processor.begin("light", processor.share("light"))
    address = processor.share("@192.0.2.1", anonymous=True)
    processor.charge(address, 1_000.0)
    loop = asyncio.get_running_loop()
    address.waiting.extend(loop.create_future() for _ in range(1_023))
    assert processor.must_wait(address)
    address.waiting.append(loop.create_future())
    with pytest.raises(ShareUsedError):
        processor.must_wait(address)


async def test_requests_without_a_token_wait_for_a_slice_while_a_partner_is_active() -> None:
    """ERR-006: however little each address has used, since there may be many; and none of them holds a partner's slices
    back.
    """
    clock = ManualClock()
    processor = Processor(clock=clock)
    addresses = [processor.share(f"@192.0.2.{number}", anonymous=True) for number in range(2)]
    for address in addresses:
        processor.begin(address, address)
    assert [False, False] == [processor.must_wait(address) for address in addresses]
    assert not processor._pressed(processor.share("heavy"))
    partner = processor.share("light")
    processor.begin("short", partner)
    processor.end("short")
    assert [True, True, False] == [processor.must_wait(share) for share in (*addresses, partner)]
    clock.at += 1.1
    assert [False, False] == [processor.must_wait(address) for address in addresses]
