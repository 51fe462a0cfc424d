"""A paused feed is pulled by no replica, before and after a restart, and again once it is resumed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.pull.pulls import FeedState, feed_fold
from gateway.protocol.identity import partition_of
from gateway.protocol.record import StoredRecord
from gateway.protocol.source_run import Pause, RunOrder, order_record, pause_record, read_run
from gateway.protocol.topic import RUNS
from tests.pull.pull_harness import WITHIN, PullHarness, pull_harness
from tests.pull.test_pulls import pulling, run_where, save, was_run

pytestmark = pytest.mark.slow

DAY = 24 * 3_600_000
SOME_POLLS = 0.2


@pytest.fixture
async def bretagne(tmp_path: Path) -> AsyncIterator[PullHarness]:
    async with pull_harness(tmp_path) as here:
        here.offers(1, 2)
        await save(here, here.profile)
        yield here


async def pause(here: PullHarness, *, paused: bool) -> None:
    home = partition_of("bretagne", here.log.partitions)
    record = pause_record(Pause(platform="bretagne", paused=paused, at=here.now))
    await here.log.append(RUNS, home, [record])


async def owned(here: PullHarness, before: int) -> None:
    """Wait until a replica owns the feed and has read on."""
    home = partition_of("bretagne", here.log.partitions)
    async with asyncio.timeout(WITHIN):
        while (await here.log.ends(RUNS))[home] <= before:
            await asyncio.sleep(0.01)
    await asyncio.sleep(SOME_POLLS)


async def test_a_paused_feed_is_not_pulled_over_restarts_until_it_is_resumed(bretagne: PullHarness) -> None:
    await pause(bretagne, paused=True)
    home = partition_of("bretagne", bretagne.log.partitions)
    for _ in range(2):  # two lives of the gateway
        before = (await bretagne.log.ends(RUNS))[home]
        async with pulling(bretagne):
            await owned(bretagne, before)
            bretagne.now += DAY
            order = RunOrder(platform="bretagne", id="o1", ordered_at=bretagne.now)
            await bretagne.log.append(RUNS, home, [order_record(order)])
            await asyncio.sleep(SOME_POLLS)
            assert 0 == bretagne.region.requests
    await pause(bretagne, paused=False)
    async with pulling(bretagne):
        await run_where(bretagne, was_run)
    await bretagne.settle()
    assert {"1", "2"} == set(await bretagne.live())


def test_the_last_pause_counts_and_no_other_platforms() -> None:
    records = [
        StoredRecord(n, 1, record.key, record.value)
        for n, record in enumerate(
            pause_record(Pause(platform=platform, paused=paused, at=5))
            for platform, paused in (("bretagne", False), ("bretagne", True), ("normandie", False))
        )
    ]
    assert FeedState(paused=True) == feed_fold("bretagne", began=0)(FeedState(), records)
    assert Pause(platform="bretagne", paused=True, at=5) == read_run(records[1].key, records[1].value)
