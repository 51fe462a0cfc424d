"""Offers as schema.org JobPosting: the properties of schema.org, and the rest under names of our own."""

from typing import Any

import orjson
import pytest

from adapters.rendering import renderings
from tests.rendering.samples import TEXTS, bare, document

POSTINGS = renderings("https://gateway.example")["jobposting"]
OWN = "urn:fr:stages:offer:"


def written(*documents: dict[str, Any]) -> bytes:
    return POSTINGS.begin + POSTINGS.between.join(map(POSTINGS.item, documents)) + POSTINGS.end


def postings(*documents: dict[str, Any]) -> list[dict[str, Any]]:
    whole = orjson.loads(written(*documents))
    assert "https://schema.org" == whole["@context"]
    found: list[dict[str, Any]] = whole["@graph"]
    return found


def test_a_posting_has_the_content_of_its_offer() -> None:
    [posting] = postings(document())
    assert ("JobPosting", "INTERN", False) == (posting["@type"], posting["employmentType"], posting["directApply"])
    assert {"@type": "PropertyValue", "name": "bretagne", "value": "bretagne:1"} == posting["identifier"]
    assert ("2027-01-15", "2027-06-27", "2027-06-14") == (
        posting["datePosted"],
        posting["validThrough"],
        posting["jobStartDate"],
    )
    assert ("Menuiserie Le Goff", "73282932000074") == (
        posting["hiringOrganization"]["name"],
        posting["hiringOrganization"]["identifier"]["value"],
    )
    assert {
        "@type": "PostalAddress",
        "streetAddress": "1 rue du Port",
        "postalCode": "35000",
        "addressLocality": "Rennes",
        "addressCountry": "FR",
    } == posting["jobLocation"]["address"]
    assert (48.117, -1.677) == (posting["jobLocation"]["geo"]["latitude"], posting["jobLocation"]["geo"]["longitude"])
    assert ("H2206", 2) == (posting["occupationalCategory"], posting["totalJobOpenings"])
    assert "https://stages.example/1" == posting["url"]
    assert (["2027-W24", "2027-W25"], {"rep": True, "schools": ["0350001A", "0350002B"]}, ["normandie:7"]) == (
        posting[OWN + "weeks"],
        posting[OWN + "restrictions"],
        posting[OWN + "possible_duplicates"],
    )


def test_the_first_week_is_the_start_even_around_new_year() -> None:
    [posting] = postings(document(weeks=["2027-W01", "2026-W53"]))
    assert "2026-12-28" == posting["jobStartDate"]


def test_hidden_and_unknown_fields_are_left_out() -> None:
    """RTE-005."""
    [posting] = postings(bare())
    assert {"hiringOrganization", "totalJobOpenings", "occupationalCategory"}.isdisjoint(posting)
    assert {"@type", "address"} == set(posting["jobLocation"])
    assert None not in posting.values()


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_found_again_and_none_ends_a_script(text: str) -> None:
    """RTE-012."""
    whole = written(document(title=text, employer={"name": text}))
    assert not any(mark in whole.decode() for mark in ("<", ">", "&", "\u2028", "\u2029"))
    [posting] = orjson.loads(whole)["@graph"]
    assert (text, text) == (posting["title"], posting["hiringOrganization"]["name"])


def test_many_postings_are_one_document_and_so_are_none() -> None:
    assert ["bretagne:1", "bretagne:2"] == [one["identifier"]["value"] for one in postings(document(), bare())]
    assert [] == postings()
