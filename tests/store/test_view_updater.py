"""The view updater: catches up, follows the end, and rebuilds a view when it must."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from gateway.errors import LogUnavailableError, PositionLostError
from gateway.log.memory.log import MemoryReader
from gateway.protocol.cursor import FRESH_MS
from gateway.protocol.identity import partition_of
from gateway.protocol.record import Record, offer_record
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS, RECEIPTS
from gateway.store import OfferView, ReceiptView, ViewUpdater
from gateway.store.updated_copy import UpdatedCopy
from tests.clock import ManualClock
from tests.harness import running, until
from tests.memory_log import MemoryLog
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of, receipt_record

pytestmark = pytest.mark.smoke


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100 * DAY_MS)


@pytest.fixture
async def log(clock: ManualClock) -> AsyncIterator[MemoryLog]:
    log = MemoryLog(clock=clock)
    await log.create_topics(COMMON)
    yield log
    await log.close()


async def put(log: MemoryLog, topic: str, record: Record) -> None:
    await log.append(topic, partition_of((record.key or b"").decode(), log.partitions), [record])


async def test_a_view_updater_catches_up_and_follows(log: MemoryLog, offers: OfferView, clock: ManualClock) -> None:
    offer_topic = OfferTopic()
    for number in range(20):
        await put(log, OFFERS, offer_record(offer_topic.publish(offer_of(f"bretagne:{number}"))))
    updater = ViewUpdater(log, OFFERS, offers, clock=clock)
    assert not updater.caught_up
    async with running(updater.run()):
        await until(lambda: updater.caught_up)
        assert (tuple(await log.ends(OFFERS)), clock.now, True) == (offers.positions, offers.fresh, updater.ready)
        assert await offers.count("bretagne") == 20
        await put(log, OFFERS, offer_record(offer_topic.withdraw("bretagne:3")))
        clock.now += 2_000
        await offers.reached(await log.ends(OFFERS), 10)
        assert await offers.count("bretagne") == 19
        await until(lambda: offers.fresh == clock.now)


async def catch_up(log: MemoryLog, offers: OfferView, clock: ManualClock) -> None:
    """By an updater that ends then."""
    updater = ViewUpdater(log, OFFERS, offers, clock=clock)
    async with running(updater.run()):
        await until(lambda: updater.caught_up)


async def test_a_restarted_view_updater_reads_only_new_records(
    log: MemoryLog, offers: OfferView, clock: ManualClock
) -> None:
    offer_topic = OfferTopic()
    await put(log, OFFERS, offer_record(offer_topic.publish(offer_of("bretagne:1"))))
    await catch_up(log, offers, clock)
    began = offers.began
    await put(log, OFFERS, offer_record(offer_topic.publish(offer_of("bretagne:2"))))
    clock.now += 3 * DAY_MS
    await catch_up(log, offers, clock)
    assert (began, 2) == (offers.began, await offers.count("bretagne"))


async def test_a_view_that_was_idle_for_seven_days_is_rebuilt(
    log: MemoryLog, offers: OfferView, clock: ManualClock
) -> None:
    """FEED-009 holds for the gateway's own views: a tombstone that is gone from the log must not leave its offer."""
    offer_topic = OfferTopic()
    await put(log, OFFERS, offer_record(offer_topic.publish(offer_of("bretagne:1"))))
    await put(log, OFFERS, offer_record(offer_topic.publish(offer_of("bretagne:2"))))
    await catch_up(log, offers, clock)
    await put(log, OFFERS, Record(b"bretagne:1", None))
    clock.now += FRESH_MS + 15 * DAY_MS
    await log.maintain(COMMON, now=clock.now)
    await catch_up(log, offers, clock)
    kept = await offers.get("bretagne:2")
    assert kept is not None
    assert [await offers.get("bretagne:1"), kept.id] == [None, "bretagne:2"]
    assert clock.now == offers.began


async def test_a_lost_position_empties_the_view_and_starts_where_the_log_starts(
    log: MemoryLog, receipts: ReceiptView, clock: ManualClock
) -> None:
    await put(log, RECEIPTS, receipt_record("old", "bretagne:1", "bretagne"))
    async with running(ViewUpdater(log, RECEIPTS, receipts, clock=clock).run()):
        await receipts.wait("old", 10)
    await put(log, RECEIPTS, receipt_record("missed", "bretagne:1", "bretagne"))
    clock.now += 31 * DAY_MS
    await log.maintain(COMMON, now=clock.now)
    await put(log, RECEIPTS, receipt_record("new", "bretagne:1", "bretagne"))
    receipts.updated.fresh = clock.now  # as if it had been at the end until just now
    updater = ViewUpdater(log, RECEIPTS, receipts, clock=clock)
    async with running(updater.run()):
        await until(lambda: updater.caught_up)
        page, _, _ = await receipts.page("bretagne", after=None, limit=10)
    assert [receipt["receipt"] for receipt in page] == ["new"]


async def test_receipts_are_deleted_as_the_log_deletes_them(
    log: MemoryLog, receipts: ReceiptView, clock: ManualClock
) -> None:
    await put(log, RECEIPTS, receipt_record("old", "bretagne:1", "bretagne"))
    async with running(ViewUpdater(log, RECEIPTS, receipts, clock=clock).run()):
        assert await receipts.wait("old", 10) is not None
        clock.now += 31 * DAY_MS
        await put(log, RECEIPTS, receipt_record("new", "bretagne:1", "bretagne"))
        async with asyncio.timeout(10):
            while await receipts.get("old") is not None:
                await asyncio.sleep(0.01)
        assert await receipts.wait("new", 10) is not None


class ExaminedCopy(UpdatedCopy):
    """A copy whose examination takes a while, and ends by ``error`` if there is one."""

    error: Exception | None = None
    begun = ended = 0

    async def examine(self) -> None:
        self.begun += 1
        await asyncio.sleep(0.2)
        self.ended += 1
        if self.error is not None:
            raise self.error


class ExaminedView(OfferView):
    def __init__(self, path: Path, *, log_identity: str, partitions: int, follow: bool) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions, follow=follow)
        self.copy = self.examined = ExaminedCopy(self.updated._file, self, partitions=partitions)


@pytest.fixture
async def examined(tmp_path: Path) -> AsyncIterator[ExaminedView]:
    view = await ExaminedView.open(tmp_path / "examined.sqlite", log_identity=LOG, partitions=PARTITIONS)
    yield view
    await view.close()


async def test_an_updater_ends_once_its_examination_of_the_file_has_ended(
    log: MemoryLog, examined: ExaminedView, clock: ManualClock
) -> None:
    """The file is closed or rebuilt next."""
    copy = examined.examined
    async with running(ViewUpdater(log, OFFERS, examined, clock=clock, examine_every=0.0).run()):
        await until(lambda: copy.begun > copy.ended)
    assert copy.begun == copy.ended


async def test_a_view_that_is_being_filled_yields_to_more_urgent_work(
    log: MemoryLog, tmp_path: Path, clock: ManualClock
) -> None:
    """A replica on an empty disk decides as soon as it can: most of a processor is left to the relay."""
    offer_topic = OfferTopic()
    for number in range(2_000):
        await put(log, OFFERS, offer_record(offer_topic.publish(offer_of(f"bretagne:{number}"))))
    took = []
    for yields in (False, True):
        view = await OfferView.open(tmp_path / f"{yields}.sqlite", log_identity=LOG, partitions=PARTITIONS)
        began = asyncio.get_running_loop().time()
        async with running(ViewUpdater(log, OFFERS, view, clock=clock, yields=lambda: yields).run()):  # noqa: B023  # at once
            await until(lambda: view.caught_up)  # noqa: B023  # the same
            took.append(asyncio.get_running_loop().time() - began)
        assert 2_000 == await view.count("bretagne")
        await view.close()
    assert took[1] > 4 * took[0]


async def test_an_error_of_the_examination_is_raised(
    log: MemoryLog, examined: ExaminedView, clock: ManualClock
) -> None:
    examined.examined.error = RuntimeError("of the examination")
    with pytest.raises(RuntimeError, match="of the examination"):
        await asyncio.wait_for(ViewUpdater(log, OFFERS, examined, clock=clock, examine_every=0.0).run(), 10)


class Failing(MemoryLog):
    """A log that does not answer for a while."""

    failures = 3

    async def ends(self, topic: str) -> tuple[int, ...]:
        if self.failures:
            self.failures -= 1
            raise LogUnavailableError("the broker is away")
        return await super().ends(topic)


async def test_an_unavailable_log_is_retried(offers: OfferView, clock: ManualClock) -> None:
    log = Failing(clock=clock)
    await log.create_topics(COMMON)
    await catch_up(log, offers, clock)
    assert log.failures == 0
    await log.close()


async def test_a_record_that_the_gateway_cannot_have_written_stops_the_view_updater(
    log: MemoryLog, offers: OfferView, clock: ManualClock
) -> None:
    await put(log, OFFERS, Record(b"bretagne:1", b"not what the relay writes"))
    with pytest.raises(ValueError):  # noqa: PT011  # orjson's own
        await asyncio.wait_for(ViewUpdater(log, OFFERS, offers, clock=clock).run(), 10)


class Forgetful(MemoryLog):
    """Loses every position, also those that it reports as its starts."""

    def reader(self, positions: Mapping[tuple[str, int], int]) -> MemoryReader:
        raise PositionLostError(f"{positions} are not held")


async def test_a_position_that_is_lost_at_the_logs_own_starts_stops_the_updater(
    offers: OfferView, clock: ManualClock
) -> None:
    log = Forgetful()
    await log.create_topics(COMMON)
    with pytest.raises(PositionLostError):
        await asyncio.wait_for(ViewUpdater(log, OFFERS, offers, clock=clock).run(), 10)


async def test_a_view_continues_at_once_after_a_clock_that_was_ahead(
    log: MemoryLog, offers: OfferView, clock: ManualClock
) -> None:
    offer_topic = OfferTopic()
    await put(log, OFFERS, offer_record(offer_topic.publish(offer_of("bretagne:1"))))
    updater = ViewUpdater(log, OFFERS, offers, clock=clock)
    async with running(updater.run()):
        await until(lambda: updater.caught_up)
        clock.now += DAY_MS
        await until(lambda: offers.fresh == clock.now)
        clock.now -= DAY_MS
        await until(lambda: offers.fresh == clock.now)


async def test_a_view_whose_clock_was_ahead_by_more_than_seven_days_is_filled_again(
    log: MemoryLog, offers: OfferView, clock: ManualClock
) -> None:
    """FEED-009: its age is unknown, and a tombstone may be gone."""
    offer_topic = OfferTopic()
    await put(log, OFFERS, offer_record(offer_topic.publish(offer_of("bretagne:1"))))
    clock.now += 365 * DAY_MS
    await catch_up(log, offers, clock)
    clock.now -= 365 * DAY_MS
    await catch_up(log, offers, clock)
    assert (clock.now, clock.now, 1) == (offers.began, offers.fresh, await offers.count("bretagne"))
