"""Offers of a platform by a text in title, town or id."""

from typing import Any

import pytest

from gateway.store import OfferView
from tests.store.offer_topic import OfferTopic, offer_of


async def found(offers: OfferView, text: str, *, limit: int = 50) -> list[str]:
    states, _, after = await offers.with_text("bretagne", text, after=None, limit=limit, most=1_000)
    assert after is None
    return sorted(state.id for state in states)


@pytest.fixture
async def filled(offers: OfferView, offer_topic: OfferTopic) -> OfferView:
    titles: dict[str, dict[str, Any]] = {
        "bretagne:accents": {"title": "Découvrir les métiers d’un hôtel"},
        "bretagne:quotes": {"title": 'Au "Café" du \\ port'},
        "bretagne:town": {"location": {"city": "L’Haÿ-les-Roses"}},
        "bretagne:named": {"title": "Un titre", "description": 'Écrire "city":"Hôtel" et "title":"Hôtel".'},
        "bretagne:own": {"title": "Le vrai", "extensions": {"bretagne": {"title": "Le faux", "city": "Ys"}}},
        "normandie:other": {"title": "Un hôtel de Normandie"},
    }
    for offer_id, members in titles.items():
        offer_topic.publish(dict(reversed(offer_of(offer_id, **members).items())))  # extensions come first
    offer_topic.publish(offer_of("bretagne:gone", title="Un hôtel fermé"))
    offer_topic.withdraw("bretagne:gone")
    await offers.apply(offer_topic.chunks())
    return offers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HOTEL", ["bretagne:accents"]),
        ("métiers D’UN", ["bretagne:accents"]),
        ('"cafe"', ["bretagne:quotes"]),
        ("du \\ PORT", ["bretagne:quotes"]),
        ("hay-les", ["bretagne:town"]),
        ("bretagne:na", ["bretagne:named"]),
        ("le vrai", ["bretagne:own"]),
        ("le faux", []),
        ("hotel métiers", ["bretagne:accents"]),
        ("hay les roses", ["bretagne:town"]),
        ("découvrir ys", []),
        ("zzzz", []),
    ],
)
async def test_accents_capitals_and_escapes_make_no_difference(
    filled: OfferView, text: str, expected: list[str]
) -> None:
    assert expected == await found(filled, text)


async def test_a_search_goes_on_where_it_ended(offers: OfferView, offer_topic: OfferTopic) -> None:
    for number in range(30):
        offer_topic.publish(offer_of(f"bretagne:{number:02}", title="Hôtel" if number % 3 else "Atelier"))
    await offers.apply(offer_topic.chunks())
    after, ids, compared = None, list[str](), 0
    for _ in range(30):
        states, examined, after = await offers.with_text("bretagne", "hotel", after=after, limit=3, most=5)
        assert len(states) <= 3
        assert examined <= 5
        ids += [state.id for state in states]
        compared += examined
        if after is None:
            break
    assert [f"bretagne:{number:02}" for number in range(30) if number % 3] == sorted(ids)
    assert 30 == compared
