"""The statistics view: counts by any dimensions, each record once, the same after a rebuild."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from gateway.log.port import Chunk
from gateway.protocol.record import Record, StoredRecord, read_utc
from gateway.protocol.statistics import CountedVerdict, CountRecord, Tally, count_record
from gateway.protocol.topic import DAY_MS
from gateway.store import StatisticsView
from gateway.store.statistics import KEPT_DAYS, Count, first_kept_day
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
    assert [Count(number=12)] == await view.counts(FIRST, LAST)
    assert [Count(verdict="accepted", number=5), Count(verdict="refused", number=7)] == await view.counts(
        FIRST, LAST, by={"verdict"}
    )
    assert [
        Count(rule=None, number=5),
        Count(rule="a", number=6),
        Count(rule="b", number=2),
        Count(rule="c", number=1),
    ] == await view.counts(FIRST, LAST, by={"rule"})
    assert [Count(platform="bretagne", day="2027-01-14", number=2)] == await view.counts(
        FIRST, FIRST, by=["day", "platform"], platforms={"bretagne"}
    )
    assert [
        Count(department=None, number=1),
        Count(department="22", number=8),
        Count(department="35", number=3),
    ] == await view.counts(FIRST, LAST, by={"department"})
    assert [] == await view.counts(FIRST, LAST, platforms={"nowhere"})
    assert [] == await view.counts(date(2027, 1, 16), date(2027, 1, 17))
    assert 2 == len(await view.counts(FIRST, LAST, by={"rule"}, most=2))


async def test_a_record_that_was_written_twice_counts_once(view: StatisticsView) -> None:
    await view.apply([chunk(ONE)])
    await view.apply([chunk(ONE, TWO, first=1)])
    await view.apply([chunk(TWO, first=3)])
    await view.apply([chunk(TWO, first=3)])  # and a chunk that was applied twice
    assert [Count(number=11)] == await view.counts(FIRST, LAST)


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
    assert [Count(number=11)] == await view.counts(FIRST, LAST)
    await view.trim((0,) * PARTITIONS, NOW + (KEPT_DAYS - 1) * DAY_MS)
    assert date(2027, 1, 15) == first_kept_day(NOW + (KEPT_DAYS - 1) * DAY_MS)
    assert [Count(number=9)] == await view.counts(FIRST, LAST)


async def test_the_day_is_that_of_paris() -> None:
    assert date(2026, 1, 1) == first_kept_day(read_utc("2027-01-30T23:30:00.000Z"))
