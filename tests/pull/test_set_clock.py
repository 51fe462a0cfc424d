"""Feeds while the clock is ahead and corrected: the next run, its marks, revisions and orders work at once."""

import asyncio

import pytest

from gateway.protocol.submission import Retire
from tests.pull.pull_harness import WITHIN, PullHarness
from tests.pull.test_pulls import order, pulled, run_where

pytestmark = pytest.mark.slow

MINUTE = 60_000
DAY = 24 * 3_600_000


@pytest.fixture
def bretagne(followed: PullHarness) -> PullHarness:
    return followed


@pytest.mark.parametrize("jump", [10 * MINUTE, DAY, 365 * DAY])
async def test_changes_of_a_feed_after_the_clock_was_ahead_are_published_at_once(
    bretagne: PullHarness, jump: int
) -> None:
    bretagne.now += jump
    # A year ahead all of its offers are over, and a new platform is never applied with nothing.
    assert ("failed" if jump == 365 * DAY else "applied") == (await bretagne.run()).outcome
    bretagne.now -= jump
    bretagne.offers(1, 2, 3, title="Autre découverte d'un atelier")
    run = await bretagne.run()
    assert ("applied", 3) == (run.outcome, run.counts.published)
    assert {"1", "2", "3"} == set(await bretagne.live())
    bretagne.offers(1, 3, title="Autre découverte d'un atelier")
    assert ("applied", 1) == ((run := await bretagne.run()).outcome, run.counts.withdrawn)
    assert {"1", "3"} == set(await bretagne.live())


@pytest.mark.parametrize("jump", [10 * MINUTE, DAY, 365 * DAY])
async def test_a_feed_is_due_at_once_after_a_run_of_a_clock_ahead(bretagne: PullHarness, jump: int) -> None:
    bretagne.now += jump
    async with pulled(bretagne) as first:
        bretagne.now = first.started_at - jump
        second = await run_where(bretagne, lambda run: run.started_at < first.started_at)
        bretagne.now += 5 * MINUTE
        await run_where(bretagne, lambda run: second.started_at < run.started_at < first.started_at)


async def test_offers_that_expired_by_a_clock_ahead_come_back_with_the_next_run(bretagne: PullHarness) -> None:
    """[REV-001] With a higher revision, though its content is the same."""
    await bretagne.run()
    live = await bretagne.live()
    bretagne.now += 300 * DAY
    await bretagne.means.submissions.submit(
        [
            Retire(receipt=f"r{number}", id=state.id, if_revision=state.known.revision, reason="expired")
            for number, state in live.items()
        ]
    )
    await bretagne.settle()
    assert {} == await bretagne.live()
    bretagne.now -= 300 * DAY
    run = await bretagne.run(ordered=True)
    assert ("applied", 2) == (run.outcome, run.counts.published)
    assert {"1", "2"} == set(await bretagne.live())
    assert ("applied", 2) == ((run := await bretagne.run(ordered=True)).outcome, run.counts.unchanged)


@pytest.mark.parametrize("skew", [-DAY, DAY])
async def test_an_order_of_a_machine_with_another_clock_is_carried_out(bretagne: PullHarness, skew: int) -> None:
    async with pulled(bretagne):
        bretagne.now += skew
        task = asyncio.create_task(order(bretagne, "o1"))
        await asyncio.sleep(0)
        bretagne.now -= skew
        async with asyncio.timeout(WITHIN):
            run = await task
    assert run is not None
    assert "o1" == run.order
