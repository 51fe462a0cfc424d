"""The copy that the demo's subscriber keeps of the changes feed."""

from typing import Any

import pytest

from demo.subscriber import OfferCopy, counted


def upsert(offer_id: str, sequence: int, title: str) -> dict[str, Any]:
    return {"op": "upsert", "id": offer_id, "sequence": sequence, "offer": {"title": title}}


def removal(offer_id: str, sequence: int) -> dict[str, Any]:
    return {"op": "removal", "id": offer_id, "sequence": sequence}


FIRST, SECOND, GONE = upsert("bretagne:1", 10, "Un"), upsert("bretagne:1", 11, "Un bis"), removal("bretagne:1", 12)


@pytest.mark.parametrize(
    ("changes", "titles", "gone"),
    [
        ([FIRST, SECOND], {"bretagne:1": "Un bis"}, set()),
        ([SECOND, FIRST, SECOND], {"bretagne:1": "Un bis"}, set()),
        ([FIRST, GONE], {}, {"bretagne:1"}),
        ([FIRST, GONE, SECOND], {}, {"bretagne:1"}),
        ([GONE, upsert("bretagne:1", 13, "Un ter")], {"bretagne:1": "Un ter"}, set()),
        ([removal("bretagne:2", 5)], {}, {"bretagne:2"}),
    ],
    ids=["newer", "older and repeated", "removed", "late after a removal", "published again", "never held"],
)
def test_it_is_idempotent_by_sequence(changes: list[dict[str, Any]], titles: dict[str, str], gone: set[str]) -> None:
    holding = OfferCopy()
    for change in changes:
        holding.apply(change)
    assert (titles, gone) == (holding.titles, holding.gone)


def test_offers_of_the_visitor_are_not_counted() -> None:
    assert {"bretagne:1": "Un"} == counted({"bretagne:1": "Un", "visitor:1": "Essai"})
