"""Snapshots on a log in memory, with a running relay and view: absence, guards, marks, ownership."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.errors import LogError
from gateway.ingest.snapshot import MARK_LIFE_MS, SnapshotRefusedError, Snapshots
from gateway.ingest.submissions import Prepared, Submissions
from gateway.log.memory import Store
from gateway.log.positions import Positions
from gateway.operate.audit import audit
from gateway.protocol.identity import partition_of
from gateway.protocol.record import submission_record
from gateway.protocol.seal import ReceiptIds, Seal
from gateway.protocol.submission import Publish
from gateway.protocol.topic import COMMON, OFFERS, SUBMISSIONS
from gateway.relay import Relay
from gateway.store import OfferView, ViewUpdater
from tests.memory_log import MemoryLog, WriteFault
from tests.stale_ends import StaleEndsLog

pytestmark = pytest.mark.slow

IDS = ReceiptIds(b"k" * 32)
OFFER = {
    "title": "Stage",
    "employer": {"name": "Atelier"},
    "location": {"postal_code": "35000", "city": "Rennes"},
    "levels": ["seconde"],
    "weeks": ["2027-W24"],
}
TERRITORY = {"department": "35", "region": "53", "academie": "rennes"}


def publish(number: int | str, revision: int = 1, *, mark: int | None = None) -> Publish:
    offer_id = f"bretagne:{number}"
    offer = {**OFFER, "id": offer_id, "sector": "s5", "apply_url": f"https://stages.example/{number}"}
    return Publish(
        receipt=IDS.mint("bretagne", partition=partition_of(offer_id, 3), now=1, nonce=f"{number:>8}".encode()[:8]),
        publisher="bretagne",
        id=offer_id,
        revision=revision,
        digest="aa",
        offer=offer,
        audiences=("national", "regions"),
        territory=TERRITORY,
        expires_on="2027-06-27",
        provenance=("bretagne",),
        mark=mark,
    )


@dataclass
class Set:
    """An upload as a snapshot sees it."""

    numbers: Sequence[int | str | None]
    marks: tuple[int, ...] = (0, 0, 0)
    revision: int = 1
    declared_count: int | None = -1
    refused: frozenset[int | str] = field(default_factory=frozenset)
    while_read: Callable[[], None] = lambda: None
    """Called in the thread that reads the ids."""
    then: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    """Called before the slice with this number is submitted, or after the last one."""

    def __post_init__(self) -> None:
        if self.declared_count == -1:
            self.declared_count = len(self.numbers)

    @property
    def count(self) -> int:
        return len(self.numbers)

    def ids(self) -> Iterator[str | None]:
        self.while_read()
        yield from (None if number is None else f"bretagne:{number}" for number in self.numbers)

    def slices(self) -> Iterator[Sequence[tuple[int, Prepared]]]:
        offers = [
            publish(number, self.revision, mark=self.marks[partition_of(f"bretagne:{number}", 3)])
            for number in self.numbers
            if number is not None and number not in self.refused
        ]
        step = 0
        for step, start in enumerate(range(0, len(offers), 7)):
            self.then.get(step, lambda: None)()
            yield [(0, Prepared(offer.receipt, submission_record(offer))) for offer in offers[start : start + 7]]
        self.then.get(step + 1, lambda: None)()


class SnapshotHarness:
    """A gateway without HTTP."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_796_000_000_000
        store = Store()
        self.log = MemoryLog(clock=lambda: self.now, store=store)
        self.replica = StaleEndsLog(clock=lambda: self.now, store=store)
        """The log of the replica that applies snapshots."""
        self.folder = folder
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def open(self) -> None:
        await self.log.create_topics(COMMON)
        self.view = await OfferView.open(self.folder / "offers.sqlite", log_identity="L", partitions=3)
        self.submissions = Submissions(self.log, ids=IDS, clock=lambda: self.now)
        positions = Positions(self.log)
        self.snapshots = Snapshots(
            self.replica,
            submissions=Submissions(self.replica, ids=IDS, clock=lambda: self.now),
            offers=self.view,
            positions=positions,
            ids=IDS,
            seal=Seal(b"k" * 32, purpose="mark"),
            clock=lambda: self.now,
            patience=2.0,
        )
        relay = Relay(
            self.log,
            folder=self.folder,
            identity="L",
            submissions=self.submissions,
            ids=IDS,
            clock=lambda: self.now,
            decided=lambda _: None,
        )
        updater = ViewUpdater(self.log, OFFERS, self.view, clock=lambda: self.now)
        self.tasks = {
            "positions": asyncio.create_task(positions.run()),
            "relay": asyncio.create_task(relay.run()),
            "tail": asyncio.create_task(updater.run()),
        }

    async def lose(self, part: str) -> None:
        task = self.tasks.pop(part)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def close(self) -> None:
        for part in list(self.tasks):
            await self.lose(part)
        await self.view.close()
        assert (await audit(self.log)).findings == []
        await self.log.close()

    async def send(self, *numbers: int | str, revision: int = 1) -> None:
        await self.submissions.submit([publish(number, revision) for number in numbers])
        sent = {(f"bretagne:{number}", revision) for number in numbers}
        async with asyncio.timeout(60):
            while not sent <= {one async for one in self.view.live_before("bretagne", (2**60,) * 3)}:
                await asyncio.sleep(0.01)

    async def mark(self) -> str:
        self.now += 1
        return (await self.snapshots.mark("bretagne"))[0]

    async def apply(self, mark: str, upload: Set, *, confirm: int | None = None) -> int:
        read = self.snapshots.read(mark, platform="bretagne")
        upload.marks = read.ends
        return (await self.snapshots.apply(read, upload, confirm=confirm)).withdrawn

    async def live(self) -> set[str]:
        return {offer_id async for offer_id, _ in self.view.live_before("bretagne", (2**60,) * 3)}

    async def live_is(self, *numbers: int | str, within: bool = False) -> None:
        """Wait until exactly these (or at least these) are live."""
        expected = {f"bretagne:{number}" for number in numbers}
        async with asyncio.timeout(60):
            while not (expected <= await self.live() if within else expected == await self.live()):
                for task in self.tasks.values():
                    assert not task.done(), task.exception()
                await asyncio.sleep(0.01)

    async def submitted(self) -> int:
        return sum(await self.log.ends(SUBMISSIONS))


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[SnapshotHarness]:
    one = SnapshotHarness(tmp_path)
    await one.open()
    yield one
    await one.close()


async def refusal(
    harness: SnapshotHarness, mark: str, upload: Set, *, confirm: int | None = None
) -> SnapshotRefusedError:
    """The code of the refusal; nothing must have been submitted."""
    before = await harness.submitted()
    with pytest.raises(SnapshotRefusedError) as caught:
        await harness.apply(mark, upload, confirm=confirm)
    assert await harness.submitted() == before
    return caught.value


async def test_absent_offers_are_withdrawn_and_new_ones_published(harness: SnapshotHarness) -> None:
    """[PUB-020]."""
    await harness.send(1, 2, 3)
    assert await harness.apply(await harness.mark(), Set([2, 3, 4])) == 1
    await harness.live_is(2, 3, 4)


async def test_an_offer_put_between_mark_and_upload_is_not_absent(harness: SnapshotHarness) -> None:
    """[PUB-020]."""
    await harness.send(1, 2)
    mark = await harness.mark()
    await harness.send(3)
    await harness.send(1, revision=2)
    assert await harness.apply(mark, Set([2])) == 0
    await harness.live_is(1, 2, 3)


async def test_a_snapshot_restores_offers_that_the_last_one_lacked(harness: SnapshotHarness) -> None:
    """[WDR-008]."""
    await harness.send(1, 2)
    await harness.apply(await harness.mark(), Set([2]))
    await harness.live_is(2)
    await harness.apply(await harness.mark(), Set([1, 2]))
    await harness.live_is(1, 2)


async def test_an_invalid_item_counts_as_present(harness: SnapshotHarness) -> None:
    """[PUB-025]."""
    await harness.send(1, 2)
    assert await harness.apply(await harness.mark(), Set([1, 2], refused=frozenset({1}))) == 0
    await harness.live_is(1, 2)


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (Set([1, 2], declared_count=None), "snapshot-count-missing"),
        (Set([1, 2], declared_count=3), "snapshot-count-wrong"),
        (Set([1, None]), "snapshot-unreadable-id"),
        (Set([1, 2, 1]), "snapshot-duplicate-id"),
        (Set([]), "snapshot-shrinks-too-much"),
    ],
    ids=["no count", "wrong count", "unreadable id", "same id twice", "empty"],
)
async def test_an_invalid_snapshot_changes_nothing(harness: SnapshotHarness, upload: Set, code: str) -> None:
    """[PUB-024] [PUB-025] [PUB-026] [PUB-028]: T-12."""
    await harness.send(1, 2, 3)
    assert (await refusal(harness, await harness.mark(), upload)).code == code
    await harness.live_is(1, 2, 3)


async def test_a_snapshot_that_shrinks_too_much_needs_its_number_confirmed(harness: SnapshotHarness) -> None:
    """[PUB-028]: at least ten and more than a fifth."""
    await harness.send(*range(40))
    error = await refusal(harness, await harness.mark(), Set(range(30)))
    assert (error.code, error.values) == ("snapshot-shrinks-too-much", {"actual": 10, "expected": 40})
    assert (await refusal(harness, await harness.mark(), Set(range(30)), confirm=9)).code == "snapshot-shrinks-too-much"
    assert await harness.apply(await harness.mark(), Set(range(31))) == 9
    assert await harness.apply(await harness.mark(), Set([]), confirm=31) == 31
    await harness.live_is()


async def test_a_mark_serves_once_and_never_after_a_later_one(harness: SnapshotHarness) -> None:
    """[PUB-022]."""
    await harness.send(1)
    early, late = await harness.mark(), await harness.mark()
    await harness.apply(late, Set([1]))
    assert (await refusal(harness, early, Set([1]))).code == "stale-mark"
    assert (await refusal(harness, late, Set([1]))).code == "stale-mark"


@pytest.mark.parametrize("fault", [WriteFault.REFUSED, WriteFault.LOST, WriteFault.UNANSWERED])
@pytest.mark.parametrize("step", [0, 1, 2], ids=["queuing", "queued in part", "withdrawing"])
async def test_a_snapshot_that_the_log_broke_off_is_sent_again_with_its_mark(
    harness: SnapshotHarness, step: int, fault: WriteFault
) -> None:
    """[PUB-022]: a mark is used up by the whole snapshot, so the same again ends where it should have ended."""
    await harness.send(*range(12))
    mark = await harness.mark()
    await harness.send("between")
    kept = [*range(3, 12), "new"]
    with pytest.raises(LogError):
        await harness.apply(mark, Set(kept, revision=2, then={step: lambda: harness.replica.inject(fault)}))
    if (step, fault) != (2, WriteFault.UNANSWERED):
        await harness.apply(mark, Set(kept, revision=2))
    await harness.live_is(*kept, "between")
    assert (await refusal(harness, mark, Set(kept, revision=2))).code == "stale-mark"


async def test_an_earlier_mark_is_stale_once_a_later_snapshot_has_begun(harness: SnapshotHarness) -> None:
    """[PUB-022]: an older export must not come in between a broken snapshot and its repetition."""
    early, late = await harness.mark(), await harness.mark()
    with pytest.raises(LogError):
        await harness.apply(late, Set([1], then={0: lambda: harness.replica.inject(WriteFault.REFUSED)}))
    assert (await refusal(harness, early, Set([1, 2]))).code == "stale-mark"
    await harness.apply(late, Set([1]))
    await harness.live_is(1)


async def test_a_snapshot_that_was_overtaken_before_it_queued_anything_queues_nothing(harness: SnapshotHarness) -> None:
    """[PUB-023]: its content may be older than the current one."""
    loop, home = asyncio.get_running_loop(), partition_of("bretagne", 3)

    def overtake() -> None:
        asyncio.run_coroutine_threadsafe(harness.log.own("snapshot.bretagne", home), loop).result()

    assert (await refusal(harness, await harness.mark(), Set([1], while_read=overtake))).code == "snapshot-running"


async def test_a_mark_is_good_for_its_platform_and_for_a_day(harness: SnapshotHarness) -> None:
    """[PUB-021]."""
    mark = await harness.mark()
    for text, platform in ((mark, "normandie"), (mark[:-2] + "AA", "bretagne"), ("", "bretagne")):
        with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
            harness.snapshots.read(text, platform=platform)
    harness.now += MARK_LIFE_MS + 1
    with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
        harness.snapshots.read(mark, platform="bretagne")


async def test_a_later_snapshot_stops_one_that_still_runs(harness: SnapshotHarness) -> None:
    """[PUB-023]."""
    await harness.send(1, 2, 3)
    early = harness.snapshots.read(await harness.mark(), platform="bretagne")
    async with harness.snapshots._ownership(early, resumed=False) as owner:
        await harness.apply(await harness.mark(), Set([2, 3]))
        with pytest.raises(Exception, match="Another owner"):
            await harness.snapshots._withdraw(owner, early, [("bretagne:2", 1)])
    await harness.live_is(2, 3)


async def test_a_snapshot_waits_for_submissions_before_its_mark_or_changes_nothing(harness: SnapshotHarness) -> None:
    """[PUB-029]: here the relay has stopped."""
    await harness.send(1, 2)
    await harness.lose("relay")
    await harness.submissions.submit([publish(3)])
    assert (await refusal(harness, await harness.mark(), Set([1, 2]))).code == "snapshot-not-ready"


async def test_a_snapshot_waits_for_the_view_when_a_stale_broker_reports_an_old_end(
    harness: SnapshotHarness,
) -> None:
    """[PUB-029]: offers that it lacks would stay live, and it would be answered as applied."""
    await harness.send(1, 2)
    harness.replica.stale_ends[OFFERS] = await harness.log.ends(OFFERS)
    await harness.lose("tail")
    await harness.submissions.submit([publish(3)])
    assert (await refusal(harness, await harness.mark(), Set([1, 2]))).code == "snapshot-not-ready"


async def test_an_offer_of_another_platform_is_ignored(harness: SnapshotHarness) -> None:
    """[IDN-003]."""
    await harness.send(1, 2)
    with pytest.raises(SnapshotRefusedError, match="mark-invalid"):
        harness.snapshots.read(await harness.mark(), platform="normandie")
    other = (await harness.snapshots.mark("normandie"))[0]
    read = harness.snapshots.read(other, platform="normandie")
    assert (await harness.snapshots.apply(read, Set([]))).withdrawn == 0
    await harness.live_is(1, 2)
