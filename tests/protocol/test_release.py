"""Releases on the log: what a topic says of replicas and days."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.release import (
    SEEN_MS,
    Activation,
    ReleaseTopic,
    activation_key,
    activation_record,
    earliest_day,
    fold_releases,
    forgotten_record,
    read_day,
    replica_record,
)
from gateway.protocol.topic import DAY_MS

DAY = date(2027, 9, 1)
BEGUN = paris_midnight(DAY)
HOUR_MS, SECOND_MS = 3_600_000, 1_000
ACTIVATED = Activation(release="1.1", begins=DAY, fields=("remote", "employer.size"), entry=7, at=1_000)


def topic_of(*records: tuple[int, Record]) -> ReleaseTopic:
    stored = [StoredRecord(offset, at, one.key, one.value) for offset, (at, one) in enumerate(records)]
    return fold_releases(ReleaseTopic(), stored)


def test_an_activation_is_read_as_it_was_written() -> None:
    """EVO-004"""
    topic = topic_of((5, activation_record(ACTIVATED)))
    assert ({"1.1": ACTIVATED}, {"1.1": DAY}) == (topic.activations, topic.days)


def test_a_later_activation_replaces_a_day_and_a_tombstone_takes_it_back() -> None:
    moved = replace(ACTIVATED, begins=date(2027, 10, 1))
    records = [(1, activation_record(ACTIVATED)), (2, activation_record(moved))]
    assert {"1.1": date(2027, 10, 1)} == topic_of(*records).days
    assert {} == topic_of(*records, (3, Record(activation_key("1.1"), None))).days


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"from": "soon", "fields": [], "entry": 1, "at": ""}'])
def test_an_unreadable_record_is_none(value: bytes) -> None:
    found = topic_of(
        (1, Record(activation_key("1.1"), value)), (1, Record(b"replica/a", value)), (1, Record(b"x", value))
    )
    assert ReleaseTopic(at=1) == found


@pytest.mark.parametrize(
    ("age", "names"), [(0, ["old"]), (SEEN_MS - 1, ["old"]), (SEEN_MS, [])], ids=["now", "within", "after an hour"]
)
def test_a_replica_that_was_seen_within_the_hour_must_know_the_release(age: int, names: list[str]) -> None:
    """EVO-004: the log's time of its last announcement counts."""
    seen = BEGUN
    topic = topic_of((seen, replica_record("old", ["1.0"])), (seen + age, replica_record("new", ["1.0", "1.1"])))
    assert names == [one.id for one in topic.lacking("1.1")]
    assert [] == topic.lacking("1.0")


def test_a_replica_is_forgotten_after_a_day() -> None:
    records = [(BEGUN + at, replica_record(name, ["1.0"])) for at, name in ((0, "a"), (1, "b"), (DAY_MS, "c"))]
    assert ["a"] == topic_of(*records).forgotten()
    assert {} == topic_of((BEGUN, replica_record("a", ["1.0"])), (BEGUN, forgotten_record("a"))).replicas


def test_a_replica_was_seen_no_later_than_the_record_after_its_last() -> None:
    """EVO-004: a log whose clock was a year ahead for a moment keeps no release from beginning for a year."""
    records = [(BEGUN + 365 * DAY_MS, replica_record("old", ["1.0"])), (BEGUN, replica_record("new", ["1.1"]))]
    for later, lacking, forgotten in [(SEEN_MS - 1, ["old"], []), (SEEN_MS, [], []), (DAY_MS, [], ["old"])]:
        topic = topic_of(*records, (BEGUN + later, replica_record("new", ["1.1"])))
        assert (lacking, forgotten) == ([one.id for one in topic.lacking("1.1")], topic.forgotten())


@pytest.mark.parametrize(
    ("now", "near", "begun"),
    [
        (paris_midnight(date(2027, 8, 31)) - 1, False, False),
        (paris_midnight(date(2027, 8, 31)), True, False),
        (BEGUN - 1, True, False),
        (BEGUN, True, True),
    ],
    ids=["two days before", "the day before", "the last instant", "the day"],
)
def test_a_day_begins_at_midnight_in_paris_and_is_near_a_day_before(now: int, near: bool, begun: bool) -> None:  # noqa: FBT001
    """EVO-004"""
    assert (near, begun) == (ACTIVATED.is_near(now), ACTIVATED.has_begun(now))


def test_the_earliest_day_is_two_days_ahead_in_paris() -> None:
    """EVO-004: also in the last hour of a day in Paris, and at both changes of its clocks."""
    for day, first in [(date(2027, 8, 30), DAY), (date(2027, 3, 28), date(2027, 3, 30))]:
        assert first == earliest_day(paris_midnight(day))
        assert first == earliest_day(paris_midnight(date.fromordinal(day.toordinal() + 1)) - SECOND_MS)


@pytest.mark.parametrize("text", ["2027-W35-3", "20270901", "2027-9-1", "2027-09-31", "", None, 20270901])
def test_a_day_is_written_with_year_month_and_day(text: object) -> None:
    assert DAY == read_day("2027-09-01")
    assert read_day(text) is None


def test_the_first_unknown_release_is_the_one_that_begins_first() -> None:
    later = replace(ACTIVATED, release="1.2", begins=date(2028, 9, 1))
    topic = topic_of((1, activation_record(later)), (1, activation_record(ACTIVATED)))
    assert [ACTIVATED, later, None] == [topic.unknown(knows) for knows in (["1.0"], ["1.0", "1.1"], ["1.1", "1.2"])]
