"""What a subscriber of the demo holds, and when it says that something differs."""

import pytest

from gateway.demo.book import Book, Stopwatch
from gateway.demo.subscriber import Holding


def upsert(offer_id, sequence, revision):
    return {"op": "upsert", "id": offer_id, "sequence": sequence, "offer": {"revision": revision}}


@pytest.fixture
def book():
    return Book(
        "bretagne",
        "Bretagne",
        live={"bretagne:1": 2, "bretagne:2": 1},
        departments={"bretagne:1": "35", "bretagne:2": "44", "bretagne:3": "35"},
    )


def test_it_reconciles_when_it_holds_the_last_revision_of_each_offer(book):
    holding = Holding("national", frozenset())
    for change in (upsert("bretagne:1", 10, 1), upsert("bretagne:1", 11, 2), upsert("bretagne:2", 10, 1)):
        holding.apply(change)
    assert holding.difference([book]) == 0


def test_an_older_or_repeated_change_is_passed_over():
    """Idempotent by id and sequence, as subscribers must be."""
    holding = Holding("national", frozenset())
    for change in (upsert("bretagne:1", 11, 2), upsert("bretagne:1", 10, 1), upsert("bretagne:1", 11, 2)):
        holding.apply(change)
    assert ({"bretagne:1": 2}, 1) == (holding.live, holding.upserts)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (upsert("bretagne:1", 12, 1), 1),
        (upsert("bretagne:3", 12, 1), 1),
        ({"op": "removal", "id": "bretagne:2", "sequence": 12}, 1),
    ],
    ids=["another revision", "one too many", "one missing"],
)
def test_any_difference_is_counted(book, change, difference):
    holding = Holding("national", frozenset())
    for right in (upsert("bretagne:1", 10, 2), upsert("bretagne:2", 10, 1)):
        holding.apply(right)
    holding.apply(change)
    assert difference == holding.difference([book])


def test_a_region_expects_what_lies_in_its_territory_and_is_not_its_own(book):
    own = Book("pays-de-la-loire", "", live={"pays-de-la-loire:1": 1}, departments={"pays-de-la-loire:1": "44"})
    holding = Holding("pays-de-la-loire", frozenset({"44", "49"}))
    assert {"bretagne:2": 1} == holding.expected([book, own])


def test_latency_is_taken_once_per_revision():
    watch = Stopwatch()
    watch.begin("bretagne:1", 1, 10.0)
    watch.begin("bretagne:2", 1, 10.0)
    assert watch.percentiles() is None
    for offer_id, at in (("bretagne:1", 10.5), ("bretagne:2", 11.5), ("bretagne:1", 99.0)):
        watch.end(offer_id, 1, at)
    assert [0.5, 1.5] == watch.taken
    assert watch.percentiles() == pytest.approx((1.0, 1.49))
