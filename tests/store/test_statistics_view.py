"""The statistics view: counts by any dimensions, each record once, the same after a rebuild."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.log.port import Chunk
from gateway.protocol.record import Record, StoredRecord, read_utc
from gateway.protocol.refused_document import RefusedDocument
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
        SubmissionCount(verdict="refused", number=7),
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
