"""The relay on a log in memory: every submission is decided once, through all failures of the log."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import FencedError, PositionLostError, UnknownOutcomeError
from gateway.ingest.submissions import Submissions
from gateway.log.owner_loop import own_positions
from gateway.log.port import Output
from gateway.log.positions import read_positions
from gateway.protocol.decide import MARKER_LIFE_MS
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record, StoredRecord, position_key, position_record
from gateway.protocol.topic import COMMON, POSITIONS, SUBMISSIONS, inbox
from gateway.relay import CommitPace, Relay
from tests.harness import until
from tests.memory_log import WriteFault
from tests.relay.conftest import IDS, RelayHarness

pytestmark = pytest.mark.smoke

DAY = 24 * 3_600_000


async def test_an_offer_goes_from_submission_to_offers_with_one_receipt(harness: RelayHarness) -> None:
    """[RCP-001]."""
    harness.start()
    await harness.submit(harness.publish(1, 1))
    await harness.settled()
    state = (await harness.offers())["bretagne:1"]
    (receipt,) = await harness.receipts()
    assert (state.offer, receipt["verdict"], receipt["sequence"]) == ({"title": "1"}, "accepted", state.known.sequence)


async def test_a_state_file_that_waits_for_its_disk_holds_up_no_other_task(harness: RelayHarness) -> None:
    """Reads, commits and checkpoints of the relay's table were made on the event loop, where requests are answered."""
    harness.start()
    await harness.submit(harness.publish(1, 1))
    await harness.settled()
    async with asyncio.timeout(10):  # the table is written after the log
        while not (found := [path for path in harness.folder.glob("relay-*.sqlite") if holds(path, "bretagne:1")]):
            await asyncio.sleep(0.01)
    (table,) = found
    with closing(sqlite3.connect(table, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # as on a slow disk: the next change waits
        await harness.submit(harness.publish(1, 2))
        for _ in range(30):  # others go on, while that change waits
            await asyncio.sleep(0.01)
        assert (await harness.offers())["bretagne:1"].known.revision == 1
        other.execute("ROLLBACK")
    await harness.settled()
    assert (await harness.offers())["bretagne:1"].known.revision == 2


def relay_of(harness: RelayHarness) -> Relay:
    assert harness.relay is not None
    return harness.relay


def task_of(harness: RelayHarness) -> asyncio.Task[None]:
    assert harness.task is not None
    return harness.task


def holds(path: Path, offer_id: str) -> bool:
    with closing(sqlite3.connect(path)) as table:
        if table.execute("SELECT 1 FROM sqlite_master WHERE name = 'known'").fetchone() is None:
            return False  # just created
        return table.execute("SELECT 1 FROM known WHERE id = ?", (offer_id,)).fetchone() is not None


async def test_submissions_of_one_batch_are_decided_in_order(harness: RelayHarness) -> None:
    """[REV-006]: decisions taken earlier in a batch are seen by later ones."""
    await harness.submit(
        harness.publish(1, 1),
        harness.publish(1, 3),
        harness.publish(1, 2),
        harness.withdraw(1, 4),
        harness.publish(1, 5),
    )
    harness.start()
    await harness.settled()
    verdicts = [receipt["verdict"] for receipt in await harness.receipts()]
    assert verdicts == ["accepted", "accepted", "stale", "accepted", "accepted"]
    assert (await harness.offers())["bretagne:1"].known.revision == 5


async def test_a_large_batch_about_one_offer_is_decided_in_order(harness: RelayHarness) -> None:
    """[REV-006]: also where the batch is judged slice by slice, and only the table knows the slices before."""
    await harness.submit(*(harness.publish(1, revision, f"{revision:04x}") for revision in range(1, 301)))
    await harness.submit(*(harness.publish(1, revision, f"{revision:04x}") for revision in (300, 1)))
    harness.start()
    await harness.settled()
    receipts = await harness.receipts()
    assert [receipt["verdict"] for receipt in receipts] == ["accepted"] * 300 + ["duplicate", "stale"]
    assert [receipt["created"] for receipt in receipts[:300]] == [True] + [False] * 299
    sequences = [receipt["sequence"] for receipt in receipts[:300]]
    assert sequences == sorted(set(sequences))
    assert (await harness.audit()).findings == []


async def test_a_commit_holds_no_more_decisions_than_it_may(harness: RelayHarness) -> None:
    """On the embedded log other writers wait for each commit."""
    await harness.submit(*(harness.publish(1, revision, f"{revision:04x}") for revision in range(1, 301)))
    harness.start(pace=CommitPace(at_once=40))
    await harness.settled()
    partition = partition_of("bretagne:1", harness.log.partitions)
    key = position_key(SUBMISSIONS, partition)
    commits = [record for record in await harness.records(POSITIONS) if record.key == key]
    assert len(commits) == 8
    assert (await harness.audit()).findings == []


@pytest.mark.parametrize("fault", list(WriteFault))
async def test_every_submission_gets_exactly_one_receipt_whatever_the_outcome_of_a_commit(
    harness: RelayHarness, fault: WriteFault
) -> None:
    """[RCP-004]: refused, lost, unanswered, or late: the next owner continues from the log's content."""
    await harness.submit(*(harness.publish(number, 1) for number in range(40)))
    harness.log.inject(fault, fault)
    harness.start()
    await harness.settled()
    await harness.log.deliver()
    await harness.submit(*(harness.publish(number, 2, "bb") for number in range(40)))
    await harness.settled()
    receipts = Counter(receipt["receipt"] for receipt in await harness.receipts())
    assert (len(receipts), set(receipts.values())) == (80, {1})
    assert [state.known.revision for state in (await harness.offers()).values()] == [2] * 40
    assert (await harness.audit()).findings == []


async def test_submissions_decided_by_a_commit_of_unknown_outcome_are_no_longer_counted_as_undecided(
    harness: RelayHarness,
) -> None:
    """Otherwise a quiet partition would seem to wait longer and longer, and the gateway not to be ready."""
    harness.start()
    await until(lambda: relay_of(harness).ready)
    harness.log.inject(WriteFault.UNANSWERED, WriteFault.UNANSWERED)  # of the input, and of the relay's commit
    submissions = Submissions(harness.log, ids=IDS, clock=lambda: harness.now)
    [outcome] = await submissions.submit([harness.publish(1, 1)])
    assert isinstance(outcome, UnknownOutcomeError)
    await harness.settled()
    harness.now += 3 * DAY
    await until(lambda: relay_of(harness).lag_ms == 0, seconds=10)


async def test_the_lag_is_unknown_before_every_partition_is_relayed(
    harness: RelayHarness,
) -> None:
    harness.start()
    assert relay_of(harness).lag_ms is None
    await until(lambda: relay_of(harness).ready)
    assert relay_of(harness).lag_ms == 0


async def test_a_relay_that_starts_again_remembers_what_the_former_one_decided(harness: RelayHarness) -> None:
    """[REV-003]: the state is rebuilt from offers."""
    harness.start()
    await harness.submit(*(harness.publish(number, 2) for number in range(20)))
    await harness.settled()
    await harness.stop()
    await harness.submit(*(harness.publish(number, 1) for number in range(20)))
    harness.start()
    await harness.settled()
    assert Counter(receipt["verdict"] for receipt in await harness.receipts()) == {"accepted": 20, "stale": 20}


async def test_losing_the_local_table_only_costs_time(harness: RelayHarness) -> None:
    """The table is a copy of offers; without it the decisions are the same."""
    harness.start()
    await harness.submit(*(harness.publish(number, 2) for number in range(20)))
    await harness.settled()
    await harness.stop()
    for file in harness.folder.iterdir():
        file.write_bytes(b"damaged" * 1000)
    await harness.submit(*(harness.publish(number, 2) for number in range(20)))
    harness.start()
    await harness.settled()
    assert Counter(receipt["verdict"] for receipt in await harness.receipts()) == {"accepted": 20, "duplicate": 20}


async def test_a_relay_that_is_taken_over_again_and_again_stops_and_says_so(harness: RelayHarness) -> None:
    """A fenced owner writes nothing more; its process ends instead of continuing silently."""
    harness.start()
    await harness.submit(harness.publish(1, 1))
    await harness.settled()

    task = task_of(harness)

    async def take_over() -> None:
        revision = 1
        while not task.done():
            revision += 1
            for partition in range(3):
                await harness.log.own("relay", partition)
            await harness.submit(*(harness.publish(number, revision) for number in range(9)))
            await asyncio.sleep(0.01)

    other = asyncio.create_task(take_over())
    with pytest.raises(FencedError, match="another process"):
        await asyncio.wait_for(asyncio.shield(task), 60)
    await other
    harness.task = None
    assert (await harness.audit()).findings == []


async def test_a_relay_that_is_taken_over_once_takes_the_partition_back(harness: RelayHarness) -> None:
    """As by a suspended process that lost its membership: it must not disturb the one that took over."""
    harness.start()
    await harness.submit(harness.publish(1, 1))
    await harness.settled()
    for partition in range(3):
        taken = await harness.log.own("relay", partition)
        await taken.commit([Output(POSITIONS, partition, position_record("other", partition, 0))])
    await harness.submit(*(harness.publish(number, 2) for number in range(9)))
    async with asyncio.timeout(60):
        while len(await harness.receipts()) < 10:
            await asyncio.sleep(0.05)
    assert not task_of(harness).done()
    assert (await harness.audit()).findings == []


async def test_an_open_transaction_of_a_zombie_is_aborted_by_the_takeover(harness: RelayHarness) -> None:
    """The open transaction of a paused owner never appears, and holds back no reader."""
    await harness.submit(harness.publish(1, 1))
    partition = next(p for p, end in enumerate(await harness.log.ends(SUBMISSIONS)) if end)
    await harness.log.hang(
        "relay", partition, [Output("receipts", partition, Record(b"bretagne:1", b'{"position":"x/0/0"}'))]
    )
    harness.start()
    await harness.settled()
    assert [receipt["verdict"] for receipt in await harness.receipts()] == ["accepted"]


async def test_expired_offers_are_withdrawn_by_the_gateway(harness: RelayHarness) -> None:
    """[WDR-009]."""
    await harness.submit(harness.publish(1, 1, expires_on="2026-12-05"), harness.publish(2, 1))
    harness.start(upkeep_seconds=0.05)
    await harness.settled()
    harness.now += 10 * DAY
    harness.log._clock = lambda: harness.now

    async def expired() -> bool:
        return (await harness.offers())["bretagne:1"].known.reason == "expired"

    await until(expired)
    await harness.settled()
    assert (await harness.offers())["bretagne:2"].known.published
    assert Counter(receipt["publisher"] for receipt in await harness.receipts())["gateway"] == 1


async def test_markers_are_forgotten_after_402_days_and_a_late_revision_then_starts_above(
    harness: RelayHarness,
) -> None:
    """[WDR-005] [REV-007]: a tombstone ends the marker, and the sequence still grows."""
    await harness.submit(harness.publish(1, 1), harness.withdraw(1, 2))
    harness.start(upkeep_seconds=0.05)
    await harness.settled()
    before = (await harness.offers())["bretagne:1"].known.sequence
    harness.now += MARKER_LIFE_MS + DAY
    harness.log._clock = lambda: harness.now

    async def forgotten() -> bool:
        return "bretagne:1" not in await harness.offers()

    await until(forgotten)
    await harness.submit(harness.publish(1, 1, expires_on="2029-01-01"))
    await harness.settled()
    assert (await harness.offers())["bretagne:1"].known.sequence > before


async def test_a_position_that_the_log_no_longer_holds_stops_the_relay_with_a_clear_message(
    harness: RelayHarness,
) -> None:
    """Nothing is skipped in silence."""
    await harness.submit(*(harness.publish(number, 1) for number in range(9)))
    await harness.log.maintain(COMMON, now=harness.now + 31 * DAY)
    harness.start()
    with pytest.raises(PositionLostError, match="positions says nothing"):
        await asyncio.wait_for(task_of(harness), 60)
    harness.task = None


@pytest.mark.parametrize("count", [499, 500, 1_000, 2_000])
async def test_the_position_reaches_the_end_also_where_a_page_ends_before_a_gap(
    harness: RelayHarness, count: int
) -> None:
    """Snapshots, upkeep and receipts wait for it."""
    harness.start()
    await harness.submit(*(harness.publish(1, revision) for revision in range(1, count + 1)))

    async def reached() -> bool:
        kept: dict[str, int] = {}
        for partition in range(3):
            kept |= await read_positions(harness.log, partition)
        return [kept.get(f"submissions/{p}", 0) for p in range(3)] == list(await harness.log.ends(SUBMISSIONS))

    await until(reached)


async def test_another_roles_open_transaction_does_not_hide_ones_own_position(harness: RelayHarness) -> None:
    """The new owner waits until it can see its last position."""
    first = await harness.log.own("relay", 0)
    transaction = await harness.log.hang("feed.national", 0, [Output(POSITIONS, 0, Record(b"feed.national", b"1"))])
    await first.commit([Output(POSITIONS, 0, position_record(SUBMISSIONS, 0, 7))])
    second = await harness.log.own("relay", 0)
    reading = asyncio.create_task(own_positions(harness.log, second, role="relay", partition=0))
    await asyncio.wait({reading}, timeout=0.2)
    assert not reading.done()
    await transaction.commit()
    assert (await asyncio.wait_for(reading, 60))["submissions/0"] == 7


async def test_the_audit_takes_a_forgotten_offer_for_no_loss(harness: RelayHarness) -> None:
    """Its tombstone goes after two weeks, its receipt after a month."""
    await harness.submit(harness.publish(1, 1), harness.withdraw(1, 2))
    harness.start(upkeep_seconds=0.05)
    await harness.settled()
    harness.now += MARKER_LIFE_MS + DAY
    harness.log._clock = lambda: harness.now

    async def forgotten() -> bool:
        return len(await harness.receipts()) == 3

    await until(forgotten)
    await harness.log.maintain([topic for topic in COMMON if topic.policy == "compact"], now=harness.now + 15 * DAY)
    await harness.log.maintain([topic for topic in COMMON if topic.policy == "delete"], now=harness.now + 15 * DAY)
    assert len(await harness.receipts()) == 1
    assert await harness.offers() == {}
    assert (await harness.audit()).findings == []


async def test_the_audit_finds_what_is_wrong(harness: RelayHarness) -> None:
    """A record of offers without a receipt, a receipt that is there twice, an accepted offer that is gone."""
    harness.start()
    await harness.submit(*(harness.publish(number, 1) for number in range(6)))
    await harness.settled()
    await harness.stop()
    assert (await harness.audit()).clean
    partition = next(p for p, end in enumerate(await harness.log.ends("receipts")) if end)
    first = await _first(harness, "receipts", partition)
    await harness.log.append("receipts", partition, [Record(first.key, first.value)])
    await harness.log.append(
        "offers", partition, [Record(b"bretagne:lost", (await _first(harness, "offers", partition)).value)]
    )
    findings = (await harness.audit()).findings
    assert any("two receipts" in finding for finding in findings)
    assert any("has the receipt of" in finding for finding in findings)


async def test_the_audit_finds_a_position_beyond_the_end_of_its_inbox(harness: RelayHarness) -> None:
    """The next messages there would be skipped. A missing inbox of a former platform is no finding."""
    await harness.log.create_topics([inbox("bretagne")])
    for platform in ("bretagne", "gone"):
        for partition in range(harness.log.partitions):
            key = f"inbox.{platform}"
            await harness.log.append(POSITIONS, partition, [position_record(key, partition, partition)])
    assert (await harness.audit()).findings == [
        "positions says 1 of inbox.bretagne/1, which ends at 0",
        "positions says 2 of inbox.bretagne/2, which ends at 0",
    ]


async def _first(harness: RelayHarness, topic: str, partition: int) -> StoredRecord:
    async with harness.log.reader({(topic, partition): 0}) as reader:
        (chunk, *_) = await reader.poll(limit=1, wait=1.0)
        return chunk.records[0]
