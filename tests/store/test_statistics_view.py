"""The statistics view: counts by any dimensions, each record once, the same after a rebuild."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.log.port import Chunk
from gateway.protocol.record import Record, StoredRecord, read_utc
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.refused_offers import MAX_OFFERS, offer_hashes, refused_offer_seal
from gateway.protocol.statistics import CountedVerdict, CountRecord, Tally, count_record
from gateway.protocol.topic import DAY_MS
from gateway.store import StatisticsView
from gateway.store.refused_documents import MAX_OF_RULE, RefusedFilter
from gateway.store.statistics import KEPT_DAYS, SubmissionCount, first_kept_day
from tests.store.offer_topic import LOG, PARTITIONS

FIRST, LAST = date(2027, 1, 14), date(2027, 1, 15)
NOW = read_utc("2027-01-15T12:00:00.000Z")


@pytest.fixture
async def view(tmp_path: Path) -> AsyncIterator[StatisticsView]:
    view = await opened(tmp_path)
    yield view
    await view.close()


async def opened(folder: Path) -> StatisticsView:
    return await StatisticsView.open(folder / "statistics.sqlite", log_identity=LOG, partitions=PARTITIONS)


def record(writer: str, number: int, *counts: tuple[str, str, CountedVerdict, list[str], str | None, int]) -> Record:
    tally = Tally()
    for platform, day, verdict, rules, department, times in counts:
        tally.add(platform, day, verdict, rules=rules, department=department, number=times)
    return count_record(CountRecord(writer, number, tally.take()))


def chunk(*records: Record, partition: int = 0, first: int = 0, at: int = NOW) -> Chunk:
    stored = [StoredRecord(first + n, at, one.key, one.value) for n, one in enumerate(records)]
    return Chunk("statistics", partition, stored, first + len(records))


ONE = record(
    "one",
    1,
    ("bretagne", "2027-01-14", "refused", ["a", "b"], "35", 2),
    ("bretagne", "2027-01-15", "accepted", [], "22", 5),
    ("normandie", "2027-01-15", "refused", ["a"], None, 1),
)
TWO = record("one", 2, ("bretagne", "2027-01-15", "refused", ["a"], "22", 3))
OTHER = record("other", 1, ("bretagne", "2027-01-15", "refused", ["c"], "35", 1))


async def test_counts_are_grouped_by_what_is_asked_and_filtered_by_days_and_platforms(view: StatisticsView) -> None:
    await view.apply([chunk(ONE, TWO), chunk(OTHER, partition=1)])
    assert [SubmissionCount(number=12)] == await view.counts(FIRST, LAST)
    assert [
        SubmissionCount(verdict="accepted", number=5),
        SubmissionCount(verdict="refused", number=7, offers=0, more=True),
    ] == await view.counts(FIRST, LAST, by={"verdict"})
    assert [
        SubmissionCount(rule=None, number=5),
        SubmissionCount(rule="a", number=6),
        SubmissionCount(rule="b", number=2),
        SubmissionCount(rule="c", number=1),
    ] == await view.counts(FIRST, LAST, by={"rule"})
    assert [SubmissionCount(platform="bretagne", day="2027-01-14", number=2)] == await view.counts(
        FIRST, FIRST, by=["day", "platform"], platforms={"bretagne"}
    )
    assert [
        SubmissionCount(department=None, number=1),
        SubmissionCount(department="22", number=8),
        SubmissionCount(department="35", number=3),
    ] == await view.counts(FIRST, LAST, by={"department"})
    assert [] == await view.counts(FIRST, LAST, platforms={"nowhere"})
    assert [] == await view.counts(date(2027, 1, 16), date(2027, 1, 17))
    assert 2 == len(await view.counts(FIRST, LAST, by={"rule"}, most=2))


async def test_a_record_that_was_written_twice_counts_once(view: StatisticsView) -> None:
    await view.apply([chunk(ONE)])
    await view.apply([chunk(ONE, TWO, first=1)])
    await view.apply([chunk(TWO, first=3)])
    await view.apply([chunk(TWO, first=3)])  # and a chunk that was applied twice
    assert [SubmissionCount(number=11)] == await view.counts(FIRST, LAST)


async def test_counts_survive_a_restart_and_a_rebuild_gives_the_same(tmp_path: Path) -> None:
    view = await opened(tmp_path)
    chunks = [chunk(ONE, TWO, TWO), chunk(OTHER, partition=1)]
    await view.apply(chunks)
    every = await view.counts(FIRST, LAST, by={"platform", "day", "verdict", "rule", "department"})
    await view.close()
    again = await opened(tmp_path)
    await again.apply(chunks)
    assert every == await again.counts(FIRST, LAST, by={"platform", "day", "verdict", "rule", "department"})
    await again.wipe((0,) * PARTITIONS, NOW)
    assert [] == await again.counts(FIRST, LAST)
    await again.apply(chunks)
    assert every == await again.counts(FIRST, LAST, by={"platform", "day", "verdict", "rule", "department"})
    await again.close()


async def test_counts_of_days_that_are_too_old_are_deleted(view: StatisticsView) -> None:
    await view.apply([chunk(ONE, TWO)])
    await view.trim((0,) * PARTITIONS, NOW + (KEPT_DAYS - 2) * DAY_MS)
    assert [SubmissionCount(number=11)] == await view.counts(FIRST, LAST)
    await view.trim((0,) * PARTITIONS, NOW + (KEPT_DAYS - 1) * DAY_MS)
    assert date(2027, 1, 15) == first_kept_day(NOW + (KEPT_DAYS - 1) * DAY_MS)
    assert [SubmissionCount(number=9)] == await view.counts(FIRST, LAST)


async def test_the_day_is_that_of_paris() -> None:
    assert date(2026, 1, 1) == first_kept_day(read_utc("2027-01-30T23:30:00.000Z"))


def refused(number: int, *documents: RefusedDocument) -> Record:
    return count_record(CountRecord("door", number, {}, documents))


def document(name: str | int, at: int, platform: str = "bretagne", **fields: str | None) -> RefusedDocument:
    named: dict[str, Any] = {"index": name} if isinstance(name, int) else {"id": name}
    return RefusedDocument(platform=platform, at=at, fields=fields, **named)


async def test_named_documents_are_the_newest_that_a_filter_selects(view: StatisticsView) -> None:
    """By day, platform and rule; the same offer once a day and rule, at its newest time."""
    first = document("bretagne:1", NOW - DAY_MS, a="/title", b=None)
    again, item = document("bretagne:1", NOW, a="/weeks"), document(4, NOW - 1, b="/id")
    other = document("normandie:9", NOW - 2, "normandie", a=None)
    await view.apply([chunk(refused(1, first, item, other)), chunk(refused(1, again), partition=1)])
    await view.apply([chunk(refused(2, again), first=1)])
    every = RefusedFilter(first=FIRST, last=LAST)
    assert [again, item, other, first] == await view.refused(every, most=10)
    assert [again] == await view.refused(every, most=1)
    assert [item, replace(first, fields={"b": None})] == await view.refused(replace(every, rule="b"), most=10)
    assert [other] == await view.refused(replace(every, platforms=("normandie",)), most=10)
    assert [first] == await view.refused(replace(every, last=FIRST), most=10)
    assert [again, first] == await view.refused_under("bretagne:1", most=10)
    assert [] == await view.refused_under("bretagne:2", most=10)


async def test_of_a_day_platform_and_rule_the_newest_documents_stay(view: StatisticsView) -> None:
    many = [document(f"bretagne:{n}", NOW + n, a=None) for n in range(MAX_OF_RULE + 5)]
    await view.apply([chunk(*(refused(n + 1, one) for n, one in enumerate(many)))])
    assert many[:4:-1] == await view.refused(RefusedFilter(first=FIRST, last=LAST), most=100)


async def test_named_documents_are_deleted_after_thirty_days_and_the_counts_stay(view: StatisticsView) -> None:
    one = document("bretagne:1", NOW, a=None)
    await view.apply([chunk(ONE, refused(1, one))])
    every = RefusedFilter(first=FIRST, last=LAST)
    await view.trim((0,) * PARTITIONS, NOW + 29 * DAY_MS)
    assert [one] == await view.refused(every, most=10)
    await view.trim((0,) * PARTITIONS, NOW + 30 * DAY_MS)
    assert [] == await view.refused(every, most=10)
    assert [SubmissionCount(number=8)] == await view.counts(FIRST, LAST)


SEAL = refused_offer_seal(b"s" * 32)


def refusals(writer: str, number: int, day: date, names: Iterable[str], *, verdict: str = "refused") -> Record:
    """A record of offers of Bretagne that break the rules a and b."""
    tally = Tally()
    for name in names:
        tally.add("bretagne", day.isoformat(), verdict, rules=["a", "b"], offer=name)
    offers = offer_hashes(tally.offers.take(), SEAL)
    return count_record(CountRecord(writer, number, tally.take(), offers=offers))


async def test_an_offer_refused_twice_counts_once_in_every_process_and_on_every_day(
    view: StatisticsView,
) -> None:
    await view.apply([chunk(refusals("one", 1, FIRST, ["bretagne:1", "bretagne:2"] * 50))])
    await view.apply([chunk(refusals("two", 1, LAST, ["bretagne:2", "bretagne:3"] * 50), partition=1)])
    [whole] = await view.counts(FIRST, LAST, by={"verdict"})
    assert (200, 3, False) == (whole.number, whole.offers, whole.more)
    assert [2, 2] == [one.offers for one in await view.counts(FIRST, LAST, by={"verdict", "day"})]
    assert [3, 3] == [one.offers for one in await view.counts(FIRST, LAST, by={"verdict", "rule"})]
    for by in ({"platform"}, {"verdict", "department"}):  # accepted ones among them, or departments that change
        assert [None] == [one.offers for one in await view.counts(FIRST, LAST, by=by)]


@pytest.mark.parametrize("records", [1, 30])
async def test_offers_beyond_the_bound_of_a_day_are_marked_as_more(view: StatisticsView, records: int) -> None:
    names = [f"bretagne:{number}" for number in range(MAX_OFFERS + 1)]
    chunks = [refusals("one", n + 1, LAST, names[n::records]) for n in range(records)]
    await view.apply([chunk(*chunks)])
    await view.apply([chunk(refusals("two", 1, LAST, names[:5]), partition=1)])
    [found] = await view.counts(FIRST, LAST, by={"verdict"})
    assert (MAX_OFFERS, True) == (found.offers, found.more)
    assert found.number == MAX_OFFERS + 6


async def test_records_of_many_refused_offers_stay_below_what_a_broker_takes(view: StatisticsView) -> None:
    tally, rules = Tally(), [f"rule-{number}" for number in range(40)]
    for number in range(50_000):
        tally.add("bretagne", "2027-01-15", "refused", rules=rules, offer=f"bretagne:{number}")
    text = count_record(CountRecord("w", 1, tally.take(), offers=offer_hashes(tally.offers.take(), SEAL))).value
    assert text is not None
    assert len(text) < 900_000
    assert b"bretagne:" not in text
    await view.apply([chunk(Record(b"w", text))])
    assert all(one.more for one in await view.counts(FIRST, LAST, by={"verdict", "rule"}))


async def test_refusals_of_an_earlier_version_are_further_offers(view: StatisticsView) -> None:
    await view.apply([chunk(TWO, refusals("one", 3, LAST, ["bretagne:1"]))])
    [found] = await view.counts(FIRST, LAST, by={"verdict"})
    assert (4, 1, True) == (found.number, found.offers, found.more)


async def test_names_under_another_secret_are_other_hashes() -> None:
    tally = Tally()
    tally.add("bretagne", "2027-01-15", "refused", rules=["a"], offer="bretagne:1")
    names = tally.offers.take()
    assert offer_hashes(names, SEAL) == offer_hashes(names, refused_offer_seal(b"s" * 32))
    assert offer_hashes(names, SEAL) != offer_hashes(names, refused_offer_seal(b"t" * 32))
