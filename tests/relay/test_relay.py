"""The relay on a log in memory: every submission is decided once, whatever the log does."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import FencedError, PositionLostError, UnknownOutcomeError
from gateway.ingest.submissions import Submissions
from gateway.log.memory import Fault
from gateway.log.owner_loop import own_positions
from gateway.log.port import Output
from gateway.log.positions import read_positions
from gateway.protocol.decide import MARKER_LIFE_MS
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record, StoredRecord, position_key, position_record
from gateway.protocol.topic import COMMON, POSITIONS, SUBMISSIONS, inbox
from gateway.relay import Relay
from tests.relay.conftest import IDS, Bench, eventually

DAY = 24 * 3_600_000


async def test_an_offer_goes_from_submission_to_offers_with_one_receipt(bench: Bench) -> None:
    """[RCP-001]."""
    bench.start()
    await bench.submit(bench.publish(1, 1))
    await bench.settled()
    state = (await bench.offers())["bretagne:1"]
    (receipt,) = await bench.receipts()
    assert (state.offer, receipt["verdict"], receipt["sequence"]) == ({"title": "1"}, "accepted", state.known.sequence)


async def test_a_table_that_waits_for_its_disk_holds_up_nobody_else(bench: Bench) -> None:
    """Reads, commits and checkpoints of the relay's table were made on the event loop, where requests are answered."""
    bench.start()
    await bench.submit(bench.publish(1, 1))
    await bench.settled()
    async with asyncio.timeout(10):  # the table is written after the log
        while not (found := [path for path in bench.folder.glob("relay-*.sqlite") if holds(path, "bretagne:1")]):
            await asyncio.sleep(0.01)
    (table,) = found
    with closing(sqlite3.connect(table, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # as a slow disk has it: the next change waits
        await bench.submit(bench.publish(1, 2))
        for _ in range(30):  # others go on, while that change waits
            await asyncio.sleep(0.01)
        assert (await bench.offers())["bretagne:1"].known.revision == 1
        other.execute("ROLLBACK")
    await bench.settled()
    assert (await bench.offers())["bretagne:1"].known.revision == 2


def relay_of(bench: Bench) -> Relay:
    assert bench.relay is not None
    return bench.relay


def task_of(bench: Bench) -> asyncio.Task[None]:
    assert bench.task is not None
    return bench.task


def holds(path: Path, offer_id: str) -> bool:
    with closing(sqlite3.connect(path)) as table:
        if table.execute("SELECT 1 FROM sqlite_master WHERE name = 'known'").fetchone() is None:
            return False  # just created
        return table.execute("SELECT 1 FROM known WHERE id = ?", (offer_id,)).fetchone() is not None


async def test_what_comes_in_one_batch_is_decided_in_order(bench: Bench) -> None:
    """[REV-006]: decisions taken earlier in a batch are seen by later ones."""
    await bench.submit(
        bench.publish(1, 1), bench.publish(1, 3), bench.publish(1, 2), bench.withdraw(1, 4), bench.publish(1, 5)
    )
    bench.start()
    await bench.settled()
    verdicts = [receipt["verdict"] for receipt in await bench.receipts()]
    assert verdicts == ["accepted", "accepted", "stale", "accepted", "accepted"]
    assert (await bench.offers())["bretagne:1"].known.revision == 5


async def test_a_large_batch_about_one_offer_is_decided_in_order(bench: Bench) -> None:
    """[REV-006]: also where the batch is judged slice by slice, and only the table knows the slices before."""
    await bench.submit(*(bench.publish(1, revision, f"{revision:04x}") for revision in range(1, 301)))
    await bench.submit(*(bench.publish(1, revision, f"{revision:04x}") for revision in (300, 1)))
    bench.start()
    await bench.settled()
    receipts = await bench.receipts()
    assert [receipt["verdict"] for receipt in receipts] == ["accepted"] * 300 + ["duplicate", "stale"]
    assert [receipt["created"] for receipt in receipts[:300]] == [True] + [False] * 299
    sequences = [receipt["sequence"] for receipt in receipts[:300]]
    assert sequences == sorted(set(sequences))
    assert (await bench.audit()).findings == []


async def test_a_commit_holds_no_more_decisions_than_it_may(bench: Bench) -> None:
    """On the embedded log other writers wait for each commit."""
    await bench.submit(*(bench.publish(1, revision, f"{revision:04x}") for revision in range(1, 301)))
    bench.start(at_once=40)
    await bench.settled()
    partition = partition_of("bretagne:1", bench.log.partitions)
    key = position_key(SUBMISSIONS, partition)
    commits = [record for record in await bench.records(POSITIONS) if record.key == key]
    assert len(commits) == 8
    assert (await bench.audit()).findings == []


@pytest.mark.parametrize("fault", list(Fault))
async def test_whatever_becomes_of_a_commit_every_submission_gets_exactly_one_receipt(
    bench: Bench, fault: Fault
) -> None:
    """[RCP-004]: refused, lost, answered by nobody, or late: the next owner goes on from what the log holds."""
    await bench.submit(*(bench.publish(number, 1) for number in range(40)))
    bench.log.inject(fault, fault)
    bench.start()
    await bench.settled()
    await bench.log.deliver()
    await bench.submit(*(bench.publish(number, 2, "bb") for number in range(40)))
    await bench.settled()
    receipts = Counter(receipt["receipt"] for receipt in await bench.receipts())
    assert (len(receipts), set(receipts.values())) == (80, {1})
    assert [state.known.revision for state in (await bench.offers()).values()] == [2] * 40
    assert (await bench.audit()).findings == []


async def test_what_was_decided_by_a_commit_without_an_answer_is_no_longer_in_hand(bench: Bench) -> None:
    """Else a quiet partition would seem to wait for longer and longer, and the gateway not to be ready."""
    bench.start()
    await eventually(lambda: asyncio.sleep(0, relay_of(bench).ready))
    bench.log.inject(Fault.UNANSWERED, Fault.UNANSWERED)  # of what comes in, and of the relay's commit
    submissions = Submissions(bench.log, ids=IDS, clock=lambda: bench.now)
    [outcome] = await submissions.submit([bench.publish(1, 1)])
    assert isinstance(outcome, UnknownOutcomeError)
    await bench.settled()
    bench.now += 3 * DAY
    await eventually(lambda: asyncio.sleep(0, relay_of(bench).lag_ms == 0), seconds=10)


async def test_how_long_what_is_unread_waits_is_not_known_before_every_partition_is_relayed(bench: Bench) -> None:
    bench.start()
    assert relay_of(bench).lag_ms is None
    await eventually(lambda: asyncio.sleep(0, relay_of(bench).ready))
    assert relay_of(bench).lag_ms == 0


async def test_a_relay_that_starts_again_remembers_what_the_former_one_decided(bench: Bench) -> None:
    """[REV-003]: the state is rebuilt from offers."""
    bench.start()
    await bench.submit(*(bench.publish(number, 2) for number in range(20)))
    await bench.settled()
    await bench.stop()
    await bench.submit(*(bench.publish(number, 1) for number in range(20)))
    bench.start()
    await bench.settled()
    assert Counter(receipt["verdict"] for receipt in await bench.receipts()) == {"accepted": 20, "stale": 20}


async def test_losing_the_local_table_only_costs_time(bench: Bench) -> None:
    """The table is a copy of offers; without it the decisions are the same."""
    bench.start()
    await bench.submit(*(bench.publish(number, 2) for number in range(20)))
    await bench.settled()
    await bench.stop()
    for file in bench.folder.iterdir():
        file.write_bytes(b"damaged" * 1000)
    await bench.submit(*(bench.publish(number, 2) for number in range(20)))
    bench.start()
    await bench.settled()
    assert Counter(receipt["verdict"] for receipt in await bench.receipts()) == {"accepted": 20, "duplicate": 20}


async def test_a_relay_that_is_taken_over_again_and_again_stops_and_says_so(bench: Bench) -> None:
    """A fenced owner writes nothing more; its process ends rather than go on in silence."""
    bench.start()
    await bench.submit(bench.publish(1, 1))
    await bench.settled()

    task = task_of(bench)

    async def take_over() -> None:
        revision = 1
        while not task.done():
            revision += 1
            for partition in range(3):
                await bench.log.own("relay", partition)
            await bench.submit(*(bench.publish(number, revision) for number in range(9)))
            await asyncio.sleep(0.01)

    other = asyncio.create_task(take_over())
    with pytest.raises(FencedError, match="another process"):
        await asyncio.wait_for(asyncio.shield(task), 60)
    await other
    bench.task = None
    assert (await bench.audit()).findings == []


async def test_a_relay_that_is_taken_over_once_takes_the_partition_back(bench: Bench) -> None:
    """As by a process that slept past its place in the group: it must not bring down the one that took its place."""
    bench.start()
    await bench.submit(bench.publish(1, 1))
    await bench.settled()
    for partition in range(3):
        taken = await bench.log.own("relay", partition)
        await taken.commit([Output(POSITIONS, partition, position_record("other", partition, 0))])
    await bench.submit(*(bench.publish(number, 2) for number in range(9)))
    async with asyncio.timeout(60):
        while len(await bench.receipts()) < 10:
            await asyncio.sleep(0.05)
    assert not task_of(bench).done()
    assert (await bench.audit()).findings == []


async def test_an_open_transaction_of_a_zombie_is_aborted_by_the_takeover(bench: Bench) -> None:
    """What a paused owner left open never appears, and holds nobody back."""
    await bench.submit(bench.publish(1, 1))
    partition = next(p for p, end in enumerate(await bench.log.ends(SUBMISSIONS)) if end)
    await bench.log.hang(
        "relay", partition, [Output("receipts", partition, Record(b"bretagne:1", b'{"position":"x/0/0"}'))]
    )
    bench.start()
    await bench.settled()
    assert [receipt["verdict"] for receipt in await bench.receipts()] == ["accepted"]


async def test_expired_offers_are_withdrawn_by_the_gateway(bench: Bench) -> None:
    """[WDR-009]."""
    await bench.submit(bench.publish(1, 1, expires_on="2026-12-05"), bench.publish(2, 1))
    bench.start(upkeep_seconds=0.05)
    await bench.settled()
    bench.now += 10 * DAY
    bench.log._clock = lambda: bench.now

    async def expired() -> bool:
        return (await bench.offers())["bretagne:1"].known.reason == "expired"

    await asyncio.wait_for(_until(expired), 60)
    await bench.settled()
    assert (await bench.offers())["bretagne:2"].known.published
    assert Counter(receipt["publisher"] for receipt in await bench.receipts())["gateway"] == 1


async def test_markers_are_forgotten_after_402_days_and_a_late_revision_then_starts_above(bench: Bench) -> None:
    """[WDR-005] [REV-007]: a tombstone ends the marker, and the sequence still grows."""
    await bench.submit(bench.publish(1, 1), bench.withdraw(1, 2))
    bench.start(upkeep_seconds=0.05)
    await bench.settled()
    before = (await bench.offers())["bretagne:1"].known.sequence
    bench.now += MARKER_LIFE_MS + DAY
    bench.log._clock = lambda: bench.now

    async def forgotten() -> bool:
        return "bretagne:1" not in await bench.offers()

    await asyncio.wait_for(_until(forgotten), 60)
    await bench.submit(bench.publish(1, 1, expires_on="2029-01-01"))
    await bench.settled()
    assert (await bench.offers())["bretagne:1"].known.sequence > before


async def test_a_position_that_the_log_no_longer_holds_stops_the_relay_with_a_clear_message(bench: Bench) -> None:
    """Nothing is skipped in silence."""
    await bench.submit(*(bench.publish(number, 1) for number in range(9)))
    await bench.log.maintain(COMMON, now=bench.now + 31 * DAY)
    bench.start()
    with pytest.raises(PositionLostError, match="positions says nothing"):
        await asyncio.wait_for(task_of(bench), 60)
    bench.task = None


@pytest.mark.parametrize("count", [499, 500, 1_000, 2_000])
async def test_the_position_reaches_the_end_also_where_a_page_ends_before_a_gap(bench: Bench, count: int) -> None:
    """Snapshots, chores and receipts wait for it."""
    bench.start()
    await bench.submit(*(bench.publish(1, revision) for revision in range(1, count + 1)))

    async def reached() -> bool:
        kept: dict[str, int] = {}
        for partition in range(3):
            kept |= await read_positions(bench.log, partition)
        return [kept.get(f"submissions/{p}", 0) for p in range(3)] == list(await bench.log.ends(SUBMISSIONS))

    await asyncio.wait_for(_until(reached), 60)


async def test_another_roles_open_transaction_does_not_hide_ones_own_position(bench: Bench) -> None:
    """The new owner waits until it can see its last position."""
    first = await bench.log.own("relay", 0)
    hung = await bench.log.hang("feed.national", 0, [Output(POSITIONS, 0, Record(b"feed.national", b"1"))])
    await first.commit([Output(POSITIONS, 0, position_record(SUBMISSIONS, 0, 7))])
    second = await bench.log.own("relay", 0)
    reading = asyncio.create_task(own_positions(bench.log, second, role="relay", partition=0))
    await asyncio.wait({reading}, timeout=0.2)
    assert not reading.done()
    await hung.commit()
    assert (await asyncio.wait_for(reading, 60))["submissions/0"] == 7


async def test_the_audit_takes_a_forgotten_offer_for_no_loss(bench: Bench) -> None:
    """Its tombstone goes after two weeks, its receipt after a month."""
    await bench.submit(bench.publish(1, 1), bench.withdraw(1, 2))
    bench.start(upkeep_seconds=0.05)
    await bench.settled()
    bench.now += MARKER_LIFE_MS + DAY
    bench.log._clock = lambda: bench.now

    async def forgotten() -> bool:
        return len(await bench.receipts()) == 3

    await asyncio.wait_for(_until(forgotten), 60)
    await bench.log.maintain([topic for topic in COMMON if topic.policy == "compact"], now=bench.now + 15 * DAY)
    await bench.log.maintain([topic for topic in COMMON if topic.policy == "delete"], now=bench.now + 15 * DAY)
    assert len(await bench.receipts()) == 1
    assert await bench.offers() == {}
    assert (await bench.audit()).findings == []


async def test_the_audit_finds_what_is_wrong(bench: Bench) -> None:
    """A record of offers without a receipt, a receipt that stands twice, an accepted offer that is gone."""
    bench.start()
    await bench.submit(*(bench.publish(number, 1) for number in range(6)))
    await bench.settled()
    await bench.stop()
    assert (await bench.audit()).clean
    partition = next(p for p, end in enumerate(await bench.log.ends("receipts")) if end)
    first = await _first(bench, "receipts", partition)
    await bench.log.append("receipts", partition, [Record(first.key, first.value)])
    await bench.log.append(
        "offers", partition, [Record(b"bretagne:lost", (await _first(bench, "offers", partition)).value)]
    )
    findings = (await bench.audit()).findings
    assert any("two receipts" in finding for finding in findings)
    assert any("has the receipt of" in finding for finding in findings)


async def test_the_audit_finds_a_position_beyond_the_end_of_its_inbox(bench: Bench) -> None:
    """What is written there next would be passed over. An inbox that went with its platform is nobody's loss."""
    await bench.log.create_topics([inbox("bretagne")])
    for platform in ("bretagne", "gone"):
        for partition in range(bench.log.partitions):
            key = f"inbox.{platform}"
            await bench.log.append(POSITIONS, partition, [position_record(key, partition, partition)])
    assert (await bench.audit()).findings == [
        "positions says 1 of inbox.bretagne/1, which ends at 0",
        "positions says 2 of inbox.bretagne/2, which ends at 0",
    ]


async def _first(bench: Bench, topic: str, partition: int) -> StoredRecord:
    async with bench.log.reader({(topic, partition): 0}) as reader:
        (chunk, *_) = await reader.poll(limit=1, wait=1.0)
        return chunk.records[0]


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():
        await asyncio.sleep(0.01)
