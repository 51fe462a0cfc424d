"""Polling of external systems until a goal is reached or nothing changes."""

import asyncio
from itertools import chain, count, repeat

from gateway.demo.poll import poll_until_count

SOON = 0.001


async def test_polling_ends_when_the_goal_is_reached() -> None:
    counts = count()
    assert await poll_until_count(lambda: next(counts), 5, every=SOON, patience=60)
    assert 6 == next(counts)


async def test_polling_ends_when_the_count_stops_changing() -> None:
    """Otherwise a demo whose national site accepts no offer would run without end."""
    counts = chain([0, 1, 1, 2], repeat(2))
    async with asyncio.timeout(60):
        assert not await poll_until_count(lambda: next(counts), 5, every=SOON, patience=20 * SOON)


async def test_polling_ends_at_once_after_an_error() -> None:
    broken: list[str] = []

    def look() -> int:
        broken.append("a subscriber has given up")
        return 0

    async with asyncio.timeout(60):
        assert not await poll_until_count(look, 5, every=SOON, patience=600, broken=broken)
