"""Sequences of events that have broken systems like this one, on a clock set by the test."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pytest

import schemas
from demo.generator import GeneratedOffer, generate
from gateway.errors import UnknownOutcomeError
from gateway.ingest.submissions import Submissions
from gateway.log.sqlite import SqliteLog
from gateway.operate.audit import audit
from gateway.protocol import cursor as cursors
from gateway.protocol.identity import partition_of
from gateway.protocol.seal import Seal
from gateway.protocol.submission import Publish, Retire, Withdraw
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS
from tests.clock import ManualClock
from tests.faults.checker import find_violations
from tests.faults.ending import read_offers, read_receipts, standing, visible
from tests.faults.history import Attempt, Ending, History, Reading
from tests.faults.inner import EVERYTHING, IDS, READER, inner_gateway
from tests.memory_log import MemoryLog, WriteFault
from tests.revision import revised, withdrawal

pytestmark = pytest.mark.slow

AUTUMN_2025 = int(datetime(2025, 9, 22, 8, tzinfo=UTC).timestamp() * 1_000)
HOUR_MS = 3_600_000
_OFFERS = [topic for topic in COMMON if topic.name == OFFERS]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AUTUMN_2025)


@pytest.fixture
async def log(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqliteLog]:
    log = await SqliteLog.open(tmp_path / "log.sqlite", clock=clock)
    await log.create_topics(COMMON)
    yield log
    await log.close()


def offers(clock: ManualClock, count: int, seed: int = 1) -> list[GeneratedOffer]:
    found = [revised(offer, 1) for offer in generate(seed, "bretagne", count, clock.today, wrong=0.0)]
    return [offer for offer in found if schemas.check(offer.raw, on=clock.today).accepted]


def entered(submissions: list[Publish | Withdraw], at: float) -> list[Attempt]:
    """Acknowledged submissions as attempts."""
    return [
        Attempt(
            one.id,
            one.revision,
            "publish" if isinstance(one, Publish) else "withdraw",
            at,
            at + 0.5,
            "queued",
            one.receipt,
        )
        for one in submissions
    ]


async def findings(log: SqliteLog | MemoryLog, history: History) -> list[str]:
    known = await read_offers(log)
    visible_offers = {reading.name: visible(known) for reading in history.readings}
    wrong = find_violations(history, Ending(await read_receipts(log), standing(known), visible_offers))
    return [f"{one.wrong}: {one.sentence}" for one in wrong] + (await audit(log)).findings


async def test_the_clock_steps_backwards_and_sequences_still_grow(
    log: SqliteLog, tmp_path: Path, clock: ManualClock
) -> None:
    """[REV-007]: by seconds, an hour and a day, with a restart in between; readers see every change in its order."""
    history, random = History(), Random(3)
    known = offers(clock, 20)
    reading = Reading("steady")
    history.readings.append(reading)
    async with inner_gateway(log, tmp_path / "parts", clock) as inner:
        cursor = inner.begin()
        revision = 0
        for number, step in enumerate((0, 5_000, -2_000, -HOUR_MS, 3_000, -DAY_MS, 1, -1, HOUR_MS, -2 * HOUR_MS)):
            clock.now += step
            async with inner.running():
                for _ in range(3):
                    revision += 1
                    chosen = random.sample(known, 12)
                    lines = [
                        revised(offer, revision).raw if random.random() < 0.7 else withdrawal(offer, revision, "filled")
                        for offer in chosen
                    ]
                    submissions = [inner.prepare(line) for line in lines]
                    await inner.submit(submissions)
                    history.attempts += entered(submissions, number * 10 + revision)
                    clock.now -= 7
                await inner.settled()
                seen, cursor = await inner.changes(cursor)
                reading.seen += seen
    assert [] == await findings(log, history)


async def test_a_late_joiner_after_tombstones_and_compaction_sees_exactly_what_is_live(
    log: SqliteLog, tmp_path: Path, clock: ManualClock
) -> None:
    """[WDR-005] [WDR-010] [FEED-010]: published, withdrawn, expired and forgotten over 403 days, then compacted; a
    retry as old as that brings nothing back, whichever way it comes.
    """
    async with inner_gateway(log, tmp_path / "parts", clock) as inner, inner.running():
        old = offers(clock, 300)
        await inner.submit([inner.prepare(offer.raw) for offer in old])
        await inner.submit([inner.prepare(revised(offer, 2).raw) for offer in old])
        await inner.submit([inner.prepare(withdrawal(offer, 3, "filled")) for offer in old[:150]])
        retried = inner.prepare(revised(old[0], 2).raw)
        turned_up_late = inner.prepare(revised(old[1], 2).raw)
        await inner.submit([retried])
        await inner.settled()

        clock.now += 403 * DAY_MS
        for offer in old:
            assert not schemas.check(revised(offer, 2).raw, on=clock.today).accepted
        new = offers(clock, 100, seed=2)
        assert {offer.id for offer in new} - {offer.id for offer in old} == {offer.id for offer in new}
        await inner.submit([inner.prepare(offer.raw) for offer in new])
        known = {offer.id for offer in old[:150]}
        while known & (await read_offers(log)).keys():  # the relay's upkeep forgets one marker after the other
            await inner.settled()
        await inner.submit([turned_up_late])
        await inner.settled()

    await log.maintain(_OFFERS, now=clock.now + 15 * DAY_MS, all_of_it=True)
    left = await read_offers(log)
    assert {offer.id for offer in new} == set(visible(left))
    assert not known & left.keys()
    async with inner_gateway(log, tmp_path / "late", clock) as late, late.running():
        await late.settled()
        seen, _ = await late.changes(late.begin())
    assert visible(left) == Reading("late", seen).held
    assert ["upsert"] * len(new) == [change.op for change in seen]
    verdicts = {receipt.receipt: receipt.verdict for receipt in await read_receipts(log)}
    assert ("stale", "rejected") == (verdicts[retried.receipt], verdicts[turned_up_late.receipt])


async def test_a_subscriber_that_missed_a_compaction_must_start_again(
    log: SqliteLog, tmp_path: Path, clock: ManualClock
) -> None:
    """[FEED-009]: its cursor is refused, and a new start gives exactly the live offers."""
    seal = Seal(b"c" * 32, purpose="cursor")
    async with inner_gateway(log, tmp_path / "parts", clock) as inner, inner.running():
        known = offers(clock, 60)
        await inner.submit([inner.prepare(offer.raw) for offer in known])
        await inner.settled()
        seen, cursor = await inner.changes(inner.begin())
        assert len(known) == len(seen)
        text = cursors.write(cursor, seal)

        clock.now += 8 * DAY_MS
        await inner.submit([inner.prepare(withdrawal(offer, 2, "cancelled")) for offer in known[:40]])
        await inner.settled()
        await log.maintain(_OFFERS, now=clock.now + 15 * DAY_MS, all_of_it=True)
        end = tuple(await log.ends(OFFERS))
        answer = cursors.read(
            text, seal, criteria=EVERYTHING, reader=READER, log=await log.identity(), end=end, now=clock.now
        )
        assert answer == "resync-required"
        seen, _ = await inner.changes(inner.begin())
    assert {offer.id for offer in known[40:]} == Reading("again", seen).held.keys()


@pytest.mark.parametrize("update_first", [True, False])
async def test_expiry_loses_to_an_update_that_comes_at_the_same_time(
    log: SqliteLog, tmp_path: Path, clock: ManualClock, *, update_first: bool
) -> None:
    """[WDR-006]: whichever is first on the log, the offer stays with its update."""
    offer = {**offers(clock, 1)[0].document, "expires_on": clock.today.isoformat()}
    async with inner_gateway(log, tmp_path / "parts", clock) as inner:
        async with inner.running():
            first = inner.prepare(orjson.dumps(offer))
            await inner.submit([first])
            await inner.settled()
        clock.now += DAY_MS
        partition = partition_of(first.id, log.partitions)
        expiry = Retire(
            receipt=IDS.derive("bretagne", partition=partition, parts=("expired", first.id, 1)),
            id=first.id,
            if_revision=1,
            reason="expired",
        )
        later = clock.today.replace(day=clock.today.day + 5).isoformat()
        update = inner.prepare(orjson.dumps({**offer, "revision": 2, "expires_on": later}))
        await inner.submit([update, expiry] if update_first else [expiry, update])
        async with inner.running():
            await inner.settled()
            seen, _ = await inner.changes(inner.begin())
    assert [("upsert", 2)] == [(change.op, change.revision) for change in seen]
    history = History(entered([first], 0) + entered([update], 1), [Reading("after", seen)])
    assert [] == await findings(log, history)


async def test_a_late_append_does_not_overwrite_a_newer_offer(tmp_path: Path, clock: ManualClock) -> None:
    """[REV-005] [ERR-009]: the publisher got an unknown outcome, sent a withdrawal, and then the first write
    arrives after all.
    """
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    async with inner_gateway(log, tmp_path / "parts", clock) as inner:
        offer = offers(clock, 1)[0]
        late, gone = inner.prepare(offer.raw), inner.prepare(withdrawal(offer, 2, "filled"))
        log.inject(WriteFault.LATE)
        [outcome] = await Submissions(log, ids=IDS, clock=clock).submit([late])
        assert isinstance(outcome, UnknownOutcomeError)
        await inner.submit([gone])
        await log.deliver()
        async with inner.running():
            await inner.settled()
            seen, _ = await inner.changes(inner.begin())
    assert [] == seen
    unknown = replace(entered([late], 0)[0], outcome="unknown", receipt=None)
    history = History([unknown, *entered([gone], 1)], [Reading("after", seen)])
    assert [] == await findings(log, history)
    assert ["accepted", "stale"] == [receipt.verdict for receipt in await read_receipts(log)]
    await log.close()


async def test_a_marker_is_not_forgotten_while_a_submission_before_it_waits(
    log: SqliteLog, tmp_path: Path, clock: ManualClock
) -> None:
    """[WDR-005]: an old revision that waits on the log when its marker falls due is decided against the marker."""
    async with inner_gateway(log, tmp_path / "parts", clock) as inner:
        offer = offers(clock, 1)[0]
        async with inner.running():
            await inner.submit([inner.prepare(offer.raw), inner.prepare(withdrawal(offer, 3, "filled"))])
            await inner.settled()
        old = inner.prepare(revised(offer, 2).raw)
        clock.now += 403 * DAY_MS
        await inner.submit([old])
        async with inner.running():
            while (await read_offers(log)).keys():
                await inner.settled()
            await inner.settled()
    verdicts = {receipt.receipt: receipt.verdict for receipt in await read_receipts(log)}
    assert "stale" == verdicts[old.receipt]
    assert {} == await read_offers(log)
