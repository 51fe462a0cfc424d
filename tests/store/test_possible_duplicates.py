"""Possible duplicates: which offers match, and which subscribers see it."""

from collections.abc import Sequence

import pytest

from gateway.protocol.visibility import Reader
from gateway.store import OfferView
from gateway.store.offer_queries import Head, OfferQueries
from gateway.store.search.duplicate_key import canonical_url, similar_name
from tests.store.offer_topic import OfferTopic, offer_of

NATIONAL, NORMANDIE = Reader("national"), Reader("normandie")


@pytest.mark.parametrize(
    "url",
    [
        "https://www.Example.fr/offres/12/",
        "https://example.fr:443/offres/12",
        "https://example.fr/offres/12?utm_source=x&utm_medium=y",
        "https://example.fr/offres/12#postuler",
    ],
)
def test_equivalent_addresses_are_equal(url: str) -> None:
    assert canonical_url(url) == "example.fr/offres/12"


def test_a_query_that_matters_is_kept_in_one_order() -> None:
    assert canonical_url("https://a.fr/o?id=3&b=1") == canonical_url("https://a.fr/o?b=1&id=3")
    assert canonical_url("https://a.fr/o?id=3") != canonical_url("https://a.fr/o?id=4")
    assert canonical_url("https://a.fr:8443/o") == "a.fr:8443/o"
    assert canonical_url("https://a.fr:99999/o") == "a.fr/o", "a port that cannot be is left out, and does not raise"
    for odd in ("https://[bad/", "https://ex℀mple.fr/", "//["):
        assert canonical_url(odd) == odd, "what cannot be parsed is its own form"


@pytest.mark.parametrize("name", ["Menuiserie LE GOFF", "menuiserie le goff SARL", "S.A.R.L. Menuiserie Le Goff"])
def test_names_that_differ_in_case_accents_and_legal_form_are_similar(name: str) -> None:
    assert similar_name(name) == "goff le menuiserie"
    assert similar_name("Société Générale d'Écoute") == similar_name("SA GENERALE D'ECOUTE")


async def possible_duplicates(
    view: OfferView, offer_topic: OfferTopic, offer_id: str, reader: Reader = NATIONAL
) -> list[str]:
    await view.apply(offer_topic.chunks())
    return list((await view.possible_duplicates([offer_id], reader=reader)).get(offer_id, []))


async def test_the_same_address_makes_a_possible_duplicate_and_withholds_nothing(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    """RTE-007."""
    offer_topic.publish(offer_of("bretagne:1", apply_url="https://a.example/1"))
    offer_topic.publish(
        offer_of("grand-est:9", apply_url="https://www.a.example/1/", employer={"siret": None, "name": "X"})
    )
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == ["grand-est:9"]
    assert await possible_duplicates(offers, offer_topic, "grand-est:9") == ["bretagne:1"]


async def test_equal_establishment_locality_level_and_weeks_make_a_possible_duplicate(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    offer_topic.publish(offer_of("grand-est:same", employer={"name": "Another name"}))
    offer_topic.publish(offer_of("grand-est:weeks", weeks=["2027-W24"]))
    offer_topic.publish(offer_of("grand-est:level", levels=["troisieme"]))
    offer_topic.publish(offer_of("grand-est:place", location={"postal_code": "35200"}))
    offer_topic.publish(offer_of("grand-est:siret", employer={"siret": "35600000000048"}))
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == ["grand-est:same"]


async def test_a_similar_name_counts_where_one_of_the_two_has_no_siret(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    offer_topic.publish(offer_of("grand-est:1", employer={"name": "SARL Menuiserie le Goff", "siret": None}))
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == ["grand-est:1"]
    assert await possible_duplicates(offers, offer_topic, "grand-est:1") == ["bretagne:1"]


async def test_a_masked_employer_makes_no_possible_duplicate_by_its_employer(
    offers: OfferView, offer_topic: OfferTopic
) -> None:
    """RTE-005: the flag would reveal the masked employer."""
    offer_topic.publish(offer_of("bretagne:1"))
    offer_topic.publish(offer_of("grand-est:masked", redistribution={"mask_employer": True}))
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == []
    assert await possible_duplicates(offers, offer_topic, "grand-est:masked", Reader("grand-est")) == []


async def test_only_ids_that_the_subscriber_may_see_are_returned(offers: OfferView, offer_topic: OfferTopic) -> None:
    """RTE-002, RTE-003; one's own offers are seen."""
    offer_topic.publish(offer_of("bretagne:1"))
    offer_topic.publish(offer_of("grand-est:hidden", redistribution={"regions": False}))
    offer_topic.publish(offer_of("grand-est:passed"), passed=("normandie",))
    offer_topic.publish(offer_of("normandie:own"))
    assert await possible_duplicates(offers, offer_topic, "bretagne:1", NORMANDIE) == ["normandie:own"]
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == [
        "grand-est:hidden",
        "grand-est:passed",
        "normandie:own",
    ]


async def test_a_withdrawn_offer_is_no_possible_duplicate(offers: OfferView, offer_topic: OfferTopic) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    offer_topic.publish(offer_of("grand-est:1"))
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == ["grand-est:1"]
    offer_topic.withdraw("grand-est:1")
    assert await possible_duplicates(offers, offer_topic, "bretagne:1") == []


async def test_an_address_shared_by_many_offers_gives_a_few_possible_duplicates_quickly(
    offers: OfferView, offer_topic: OfferTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All offers of the address were read, thousands of them for a large employer."""
    read: list[int] = []
    heads_numbered = OfferQueries.heads_numbered

    def counted(queries: OfferQueries, numbers: Sequence[int]) -> list[Head]:
        read.extend(numbers)
        return heads_numbered(queries, numbers)

    monkeypatch.setattr(OfferQueries, "heads_numbered", counted)
    for number in range(200):
        offer_topic.publish(
            offer_of(f"bretagne:{number}", apply_url="https://a.example/", employer={"siret": f"{number:014}"})
        )
    found = await possible_duplicates(offers, offer_topic, "bretagne:1")
    assert len(found) == 10
    assert len(read) < 100
    for number in range(199, 9, -1):
        offer_topic.withdraw(f"bretagne:{number}")
    others = [f"bretagne:{number}" for number in (0, *range(2, 10))]
    assert others == await possible_duplicates(offers, offer_topic, "bretagne:1"), "behind those that are withdrawn"
