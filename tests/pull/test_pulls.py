"""Schedules, orders, changes of profile, and ownership: one owner per platform at any time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from adapters.profile.profile import Profile
from adapters.pull.pulls import FeedState, OrderReplacedError, Pulls, feed_fold, last_runs, order_run
from gateway.log.request import Pending
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.source_run import RunOrder, SourceRun, order_record, run_record
from gateway.protocol.topic import RUNS
from tests.pull.pull_harness import WITHIN, PullHarness, failure, profile_of

pytestmark = pytest.mark.slow

MINUTE = 60_000


@pytest.fixture
def bretagne(followed: PullHarness) -> PullHarness:
    return followed


async def save(here: PullHarness, profile: Profile | dict[str, object] | None, **more: bool) -> None:
    known = here.means.partners.get("bretagne")
    assert known is not None
    document = profile.document if isinstance(profile, Profile) else profile
    await here.means.partners.save(replace(known, profile=document, **more))  # type: ignore[arg-type]  # revoked only


@asynccontextmanager
async def pulling(here: PullHarness) -> AsyncIterator["asyncio.Task[None]"]:
    """A replica that pulls, until the block ends."""
    task = asyncio.create_task(Pulls(here.means, jitter=lambda: 0.5).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def was_run(_: SourceRun) -> bool:
    return True


async def run_where(here: PullHarness, wanted: Callable[[SourceRun], bool]) -> SourceRun:
    """The last run, once it is as wanted."""
    async with asyncio.timeout(WITHIN):
        while True:
            run = (await last_runs(here.log)).get("bretagne")
            if run is not None and wanted(run):
                return run
            await asyncio.sleep(0.02)


@asynccontextmanager
async def pulled(here: PullHarness) -> AsyncIterator[SourceRun]:
    """A replica that pulls by the platform's profile, after its first run, until the block ends."""
    await save(here, here.profile)
    async with pulling(here):
        yield await run_where(here, was_run)


async def order(
    here: PullHarness, name: str, *, confirm: int | None = None, seconds: float = WITHIN
) -> SourceRun | None:
    order = RunOrder(platform="bretagne", id=name, ordered_at=here.now, confirm=confirm)
    return await order_run(here.log, order, seconds=seconds)


async def ordered(here: PullHarness) -> "tuple[asyncio.Task[SourceRun | None], int]":
    """The task of an order that is on the log, and the partition where it is."""
    task, home = asyncio.create_task(order(here, "o1")), partition_of("bretagne", here.log.partitions)
    async with asyncio.timeout(WITHIN):
        while (await here.log.ends(RUNS))[home] == 0:
            await asyncio.sleep(0.01)
    return task, home


async def test_a_new_platform_is_pulled_at_once_and_again_when_it_is_time(bretagne: PullHarness) -> None:
    async with pulled(bretagne) as first:
        assert ("applied", 2) == (first.outcome, first.counts.published)
        bretagne.now += 5 * MINUTE
        second = await run_where(bretagne, lambda run: run.started_at > first.started_at)
    assert "unchanged" == second.outcome
    assert 2 == bretagne.region.requests


async def test_a_feed_pulled_before_a_restart_is_not_pulled_again(bretagne: PullHarness) -> None:
    async with pulled(bretagne) as first:
        pass
    async with pulling(bretagne):
        assert await order(bretagne, "o1") is not None
        assert 2 == bretagne.region.requests, "only the order asked for it"
    assert first.first_success_at == (await run_where(bretagne, lambda run: run.order == "o1")).first_success_at


async def test_an_order_is_answered_at_once_and_only_once(bretagne: PullHarness) -> None:
    async with pulled(bretagne):
        run = await order(bretagne, "o1")
        assert run is not None
        assert ("applied", "o1", 2) == (run.outcome, run.order, run.counts.unchanged)
        assert await order(bretagne, "o2") is not None
    assert 3 == bretagne.region.requests


async def test_the_first_of_two_orders_that_are_read_together_is_answered_as_replaced(
    bretagne: PullHarness,
) -> None:
    await save(bretagne, bretagne.profile)
    first, home = await ordered(bretagne)
    second = RunOrder(platform="bretagne", id="o2", ordered_at=bretagne.now)
    await bretagne.log.append(RUNS, home, [order_record(second)])
    async with pulling(bretagne):
        with pytest.raises(OrderReplacedError):
            await first
    assert "o2" == (await last_runs(bretagne.log))["bretagne"].order


async def test_an_order_that_is_being_carried_out_is_answered_though_another_one_comes(bretagne: PullHarness) -> None:
    first, home = await ordered(bretagne)
    second = RunOrder(platform="bretagne", id="o2", ordered_at=bretagne.now)
    answers = [
        SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="applied", order=name) for name in ("o1", "o2")
    ]
    await bretagne.log.append(RUNS, home, [order_record(second), *map(run_record, answers)])
    assert answers[0] == await first


async def test_an_order_confirms_what_a_pending_run_waits_for(bretagne: PullHarness) -> None:
    bretagne.offers(*range(30))
    await save(bretagne, bretagne.profile)
    async with pulling(bretagne):
        await run_where(bretagne, lambda run: run.outcome == "applied")
        bretagne.offers(*range(10))
        pending = await order(bretagne, "o1")
        assert pending is not None
        assert ("pending", 20) == (pending.outcome, pending.would_withdraw)
        confirmed = await order(bretagne, "o2", confirm=20)
    assert confirmed is not None
    assert ("applied", 20) == (confirmed.outcome, confirmed.counts.withdrawn)


async def test_a_changed_profile_is_pulled_at_once_without_a_restart(bretagne: PullHarness) -> None:
    async with pulled(bretagne) as first:
        bretagne.profile = profile_of(bretagne.url, "csv")
        await save(bretagne, bretagne.profile)
        second = await run_where(bretagne, lambda run: run.profile == bretagne.profile.digest)
    assert first.profile != second.profile
    assert ("applied", 2) == (second.outcome, second.counts.items)


async def test_an_unreadable_profile_is_reported_and_corrected_without_a_restart(bretagne: PullHarness) -> None:
    broken = {**bretagne.profile.document, "format": "parquet"}
    await save(bretagne, broken)
    async with pulling(bretagne):
        run = await run_where(bretagne, was_run)
        assert ("failed", "profile-invalid") == (run.outcome, failure(run).code)
        assert "/format" in failure(run).fr
        await save(bretagne, bretagne.profile)
        assert "applied" == (await run_where(bretagne, lambda run: run.outcome != "failed")).outcome


async def test_a_revoked_platform_is_not_pulled_even_when_ordered(bretagne: PullHarness) -> None:
    await save(bretagne, bretagne.profile, revoked=True)
    async with pulling(bretagne):
        assert await order(bretagne, "o1", seconds=3.0) is None
    assert 0 == bretagne.region.requests


async def test_a_platform_that_publishes_by_itself_is_not_pulled(bretagne: PullHarness) -> None:
    await save(bretagne, {"platform": "bretagne", "name": "B", "transport": {"kind": "native"}})
    async with pulling(bretagne):
        assert await order(bretagne, "o1", seconds=3.0) is None
    assert {} == await last_runs(bretagne.log)


async def test_the_new_owner_runs_the_platform_and_the_former_one_is_fenced(
    bretagne: PullHarness,
) -> None:
    async with pulled(bretagne):
        usurper = await bretagne.log.own("pull.bretagne", partition_of("bretagne", bretagne.log.partitions))
        try:
            assert await order(bretagne, "o1", seconds=1.0) is None, "fenced: what it did is not told as a run"
        finally:
            await usurper.close()
        # After a moment it takes the platform back, and answers.
        run = await run_where(bretagne, lambda run: run.order == "o1")
    assert "applied" == run.outcome


async def test_an_order_that_waited_too_long_is_not_carried_out(bretagne: PullHarness) -> None:
    async with pulled(bretagne):
        pass
    assert await order(bretagne, "old", seconds=0.1) is None
    bretagne.now += 11 * MINUTE
    later = bretagne.now
    async with pulling(bretagne):
        run = await run_where(bretagne, lambda run: run.started_at >= later)  # by its schedule
    assert run.order is None


async def test_other_platforms_on_the_same_partition_are_ignored(bretagne: PullHarness) -> None:
    other = Partner(platform="normandie", name="N", scopes=frozenset())
    await bretagne.means.partners.save(other)
    async with pulled(bretagne):
        foreign = RunOrder(platform="normandie", id="x", ordered_at=bretagne.now)
        assert await order_run(bretagne.log, foreign, seconds=0.3) is None
    assert 1 == bretagne.region.requests
    assert {"bretagne"} == set(await last_runs(bretagne.log))
    assert 0 < sum(await bretagne.log.ends(RUNS))


RUN = SourceRun(platform="bretagne", started_at=1, ended_at=2, outcome="applied")
ORDER = RunOrder(platform="bretagne", id="o1", ordered_at=3)


def stored(*records: Record) -> list[StoredRecord]:
    """The records at offsets from 0 on, each appended at its offset times 1,000."""
    return [
        StoredRecord(offset, offset * 1_000, record.key, record.value, record.headers)
        for offset, record in enumerate(records)
    ]


def test_the_last_run_and_the_newest_order_count() -> None:
    newer = RunOrder(platform="bretagne", id="o2", ordered_at=4)
    other = SourceRun(platform="normandie", started_at=9, ended_at=9, outcome="failed")
    records = stored(run_record(RUN), order_record(ORDER), run_record(other), order_record(newer))
    state = feed_fold("bretagne", began=9)(FeedState(), records)
    assert FeedState(last=RUN, order=Pending(newer, 3_000)) == state


def test_an_order_has_an_age_only_if_it_precedes_its_owner() -> None:
    records = stored(order_record(ORDER), Record(b"bretagne/turn", b"{}"), order_record(ORDER))
    fold = feed_fold("bretagne", began=2)
    assert FeedState(order=Pending(ORDER, 0), began_at=1_000) == fold(FeedState(), records[:2])
    assert FeedState(order=Pending(ORDER, None), began_at=1_000) == fold(FeedState(), records)
