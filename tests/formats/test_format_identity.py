"""Ids that come again: identical items count once, different ones are all refused, the first included."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.item import BrokenItem, FeedComplete, ItemPosition, OfferItem, RepeatedItem
from tests.formats.feeds import FORMS, codes, flat, items, row, written


@pytest.mark.parametrize("form", FORMS)
def test_an_identical_item_counts_once_and_is_no_problem(form: str) -> None:
    """[FMT-007]"""
    first, second, third, end = items(written(form, [row(1), row(1), row(2)]), flat(form))
    assert isinstance(first, OfferItem)
    assert isinstance(second, RepeatedItem)
    assert ("bretagne:S-1", first.position, 1) == (second.id, second.earlier, second.position.index)
    assert isinstance(third, OfferItem)
    assert FeedComplete(3) == end


@pytest.mark.parametrize("form", FORMS)
def test_items_are_identical_by_the_offer_that_they_come_to(form: str) -> None:
    """[FMT-007]: another spelling of the same values is the same offer."""
    other = row(
        1, zip=" 35000 ", levels="seconde", sector="Artisanat d’Art", description="Observer la fabrication d'un meuble."
    )
    _, second, _ = items(written(form, [row(1), other]), flat(form))
    assert isinstance(second, RepeatedItem)


@pytest.mark.parametrize("form", FORMS)
def test_different_items_of_one_id_are_all_refused_and_each_refusal_names_the_other(form: str) -> None:
    """[FMT-007]"""
    first, second, third, fourth, _ = items(written(form, [row(1), row(1, title="Autre"), row(1), row(2)]), flat(form))
    assert isinstance(first, OfferItem)
    assert isinstance(second, BrokenItem)
    assert ["id-repeated"] == codes(second)
    assert second.retraction is not None
    assert first.position == second.retraction.position
    for language in ("fr", "en"):
        message = second.problems[0].to_json()["message"][language]
        assert "bretagne:S-1" in message
        assert str(first.position) in message
        assert str(second.position) in second.retraction.problem.to_json()["message"][language]
    assert isinstance(third, BrokenItem), "identical to the first, which is refused"
    assert third.retraction is None, "the first item is retracted once"
    assert isinstance(fourth, OfferItem)


@pytest.mark.parametrize("form", ["xml", "csv"])
def test_an_item_that_cannot_be_read_differs_from_every_other_of_its_id(form: str) -> None:
    """[FMT-007]: before it and behind it."""
    sound = written(form, [row(1)])
    if form == "xml":
        offer = sound.removeprefix(b"<offers>\n").removesuffix(b"</offers>\n")
        feed = [offer.replace(b"atelier</title>", b"atelier & </title>", 1), offer]
        feeds = [b"<offers>" + b"".join(order) + b"</offers>" for order in (feed, feed[::-1])]
    else:
        head, _, line = sound.partition(b"\r\n")
        feeds = [b"\r\n".join([head, *order]) for order in ([line + b";x", line], [line, line.rstrip() + b";x"])]
        feeds[0] = b"\r\n".join([head, line.rstrip() + b";x", line])
    for content in feeds:
        first, second, _ = items(content, flat(form))
        assert isinstance(second, BrokenItem), (first, second)
        assert "id-repeated" in codes(second)
        assert second.retraction is not None
        assert isinstance(first, OfferItem | BrokenItem)
        assert first.position == second.retraction.position


def test_an_unread_value_makes_two_items_different() -> None:
    """[FMT-007]: the offers look alike only because one value is missing from each."""
    fields = {"seats": {"path": "seats"}}
    one, other = ({**row(1), "seats": seats} for seats in ("beaucoup", "peu"))
    _, second, _ = items(written("json", [one, other]), flat("json", fields=fields))
    assert isinstance(second, BrokenItem)


def test_items_that_the_conditions_leave_out_are_not_compared() -> None:
    """[FMT-007]"""
    mapping = flat("json", only=[{"path": "title", "in": ["Autre"]}])
    _, second, _ = items(written("json", [row(1), row(1, title="Autre")]), mapping)
    assert isinstance(second, OfferItem)


@settings(deadline=None)  # whole feeds are read
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 1)), max_size=12))
def test_each_id_without_contradiction_gives_one_offer(pairs: list[tuple[int, int]]) -> None:
    """[FMT-007]: in whatever order they come."""
    found = items(written("json", [row(number, title=f"Atelier {kind}") for number, kind in pairs]), flat("json"))
    standing = {item.id: item.position for item in found if isinstance(item, OfferItem)}
    retracted = [item.retraction.position for item in found if isinstance(item, BrokenItem) and item.retraction]
    assert len(retracted) == len(set(retracted))
    left = {offer_id for offer_id, position in standing.items() if position not in retracted}
    kinds = {number: {kind for other, kind in pairs if other == number} for number, _ in pairs}
    assert {f"bretagne:S-{number}" for number, seen in kinds.items() if len(seen) == 1} == left
    assert all(isinstance(position, ItemPosition) for position in retracted)
