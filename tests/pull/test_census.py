"""The census: every item counted once, and ids that stand twice."""

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.pull.feed_counts import FeedCounts, Kind
from gateway.protocol.run import Counts

ERROR = {"code": "x", "severity": "error", "pointer": "/title"}
WARNING = {"code": "y", "severity": "warning", "pointer": "/title"}


@pytest.fixture
def census() -> Iterator[FeedCounts]:
    census = FeedCounts()
    yield census
    census.close()


def add(census: FeedCounts, offer_id: str | None, *, kind: Kind = "published", problems: Any = ()) -> int | None:
    return census.add("0", offer_id, kind=kind, problems=problems)


def test_every_item_is_counted_once(census: FeedCounts) -> None:
    add(census, "a:1")
    add(census, "a:2", problems=[WARNING])
    add(census, "a:3", kind="unchanged", problems=[WARNING])
    add(census, "a:4", kind="refused", problems=[ERROR])
    census.add_passed()
    assert Counts(items=5, published=2, unchanged=1, refused=1, passed=1, warned=2) == census.counts
    assert {"a:1", "a:2", "a:3", "a:4"} == set(census.ids())


def test_an_item_without_an_id_is_refused_and_told_apart(census: FeedCounts) -> None:
    assert add(census, None, kind="refused", problems=[ERROR]) is None
    assert (1, 0, 1) == (census.unidentified, census.distinct, census.counts.refused)


def test_two_offers_of_one_id_are_both_refused(census: FeedCounts) -> None:
    assert 0 == add(census, "a:1", problems=[WARNING])
    assert add(census, "a:1") is None
    assert add(census, "a:1") is None
    assert Counts(items=3, refused=3) == census.counts
    assert {0} == census.dropped
    assert 1 == census.distinct


def test_a_refused_item_beside_a_good_one_of_its_id_leaves_neither(census: FeedCounts) -> None:
    add(census, "a:1", kind="unchanged")
    add(census, "a:1", kind="refused", problems=[ERROR])
    assert Counts(items=2, refused=2) == census.counts
    assert set() == census.dropped, "what stands unchanged was not to be handed in"


def test_problems_are_grouped_with_their_counts_and_errors_come_first(census: FeedCounts) -> None:
    for number in range(50):
        add(census, f"a:{number}", problems=[WARNING])
    add(census, "a:last", kind="refused", problems=[ERROR])
    assert [("a:last", "error", 1), ("a:0", "warning", 50)] == [
        (one["id"], one["severity"], one["count"]) for one in census.problems
    ]
    assert {"error": 1, "warning": 50} == census.severities


def test_a_warning_of_the_whole_feed_is_kept_beside_any_number_of_problems(census: FeedCounts) -> None:
    for number in range(200):
        add(census, f"a:{number}", kind="refused", problems=[{**ERROR, "pointer": f"/{number}"}])
        add(census, f"b:{number}", problems=[{**WARNING, "pointer": f"/{number}"}])
    census.note("", None, [{"code": "sector-catch-all", "severity": "warning"}])
    assert "sector-catch-all" == census.problems[0]["code"]
    assert "error" == census.problems[1]["severity"]
