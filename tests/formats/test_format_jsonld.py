"""JSON-LD: JobPostings in documents of any usual shape, and in the scripts of HTML pages."""

import json
from typing import Any

import pytest

from adapters.formats.item import BrokenItem, FeedComplete, OfferItem, PassedItem, judge
from tests.formats.feeds import ON, codes, items, load, offers, only, unusable

POSTING: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "identifier": {"@type": "PropertyValue", "name": "Atelier", "value": "2027-12"},
    "title": "Découverte d&#39;un atelier",
    "description": "<p>Observer.</p><ul><li>le dessin</li><li>la pose</li></ul>",
    "hiringOrganization": {
        "@type": "Organization",
        "name": "Atelier du Port",
        "sameAs": "http://www.atelier.example.fr",
        "identifier": {"@type": "PropertyValue", "propertyID": "SIRET", "value": "356 000 000 00048"},
    },
    "jobLocation": {
        "@type": "Place",
        "address": {
            "@type": "PostalAddress",
            "streetAddress": "4 quai Lamennais",
            "postalCode": "35000",
            "addressLocality": "Rennes",
            "addressCountry": "FR",
        },
        "geo": {"@type": "GeoCoordinates", "latitude": "48,1113", "longitude": -1.68},
    },
    "educationRequirements": "Seconde générale",
    "jobStartDate": "2027-06-14",
    "validThrough": "2027-06-19T22:30:00Z",
    "industry": "62.01Z",
    "totalJobOpenings": 2,
    "url": "http://atelier.example.fr/stage?id=12&utm_source=x",
}
OTHER = {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "item": {"@id": "https://a.fr"}}]}


def written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def test_a_posting_becomes_an_offer_that_the_verdict_accepts() -> None:
    """[FMT-013]"""
    offer = only(written(POSTING), load("jobposting"))
    assert {
        "id": "bretagne:2027-12",
        "title": "Découverte d'un atelier",
        "description": "Observer.\n\n- le dessin\n- la pose",
        "employer": {"name": "Atelier du Port", "website": "https://www.atelier.example.fr", "siret": "35600000000048"},
        "location": {
            "street": "4 quai Lamennais",
            "postal_code": "35000",
            "city": "Rennes",
            "latitude": 48.1113,
            "longitude": -1.68,
        },
        "levels": ["seconde"],
        "weeks": ["2027-W24"],
        "seats": 2,
        "sector": offer.document["sector"],
        "apply_url": "https://atelier.example.fr/stage?id=12",
        "expires_on": "2027-06-20",
    } == offer.document
    assert judge(offer, revision=1, on=ON).accepted


@pytest.mark.parametrize(
    "document",
    [
        POSTING,
        [POSTING],
        {"@context": "https://schema.org", "@graph": [POSTING]},
        [{"@graph": [POSTING]}],
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": POSTING}]},
        {"@type": "ItemList", "itemListElement": [POSTING]},
        {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": POSTING}]},
        {"@type": "WebPage", "mainEntity": POSTING},
        {**POSTING, "@type": ["JobPosting", "https://example.fr/Stage"]},
        {**POSTING, "@type": "http://schema.org/JobPosting"},
        {**POSTING, "identifier": "2027-12"},
        {**POSTING, "title": {"@value": "Découverte d'un atelier", "@language": "fr"}},
        {**POSTING, "jobLocation": [POSTING["jobLocation"]]},
    ],
)
def test_postings_are_found_in_every_usual_shape(document: Any) -> None:
    """[FMT-013]"""
    expected = only(written(POSTING), load("jobposting")).document
    assert expected == only(written(document), load("jobposting")).document


def test_an_address_may_be_one_text() -> None:
    """[FMT-008]"""
    posting = {**POSTING, "jobLocation": {"@type": "Place", "address": "4 quai Lamennais, 35000 Rennes"}}
    assert {"postal_code": "35000", "city": "Rennes"} == only(written(posting), load("jobposting")).document["location"]


def test_fields_that_schema_org_lacks_are_read_under_the_names_of_our_exports() -> None:
    """[FMT-013]"""
    own = "urn:fr:stages:offer:"
    more = {
        f"{own}levels": ["troisieme", "seconde"],
        f"{own}weeks": ["2027-W24", "2027-W25"],
        f"{own}stay_weeks": 1,
        f"{own}sector": "s9",
        f"{own}accessibility": "unknown",
        f"{own}restrictions": {"rep": True, "schools": ["0750655E"]},
    }
    document = only(written({**POSTING, **more}), load("jobposting")).document
    assert {
        "levels": ["troisieme", "seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "stay_weeks": 1,
        "sector": "s9",
        "accessibility": "unknown",
        "restrictions": {"rep": True, "schools": ["0750655E"]},
    } == {name: document[name] for name in document if f"{own}{name}" in more}


def page(*scripts: str) -> bytes:
    return f"<!DOCTYPE html>\n<html><head><title>a</title>\n{''.join(scripts)}</head><body></body></html>".encode()


def script(text: str, kind: str = 'type="application/ld+json"') -> str:
    return f"<script {kind}>{text}</script>\n"


@pytest.mark.parametrize(
    "kind", ['type="application/ld+json"', "type=application/ld+json", "id=a TYPE = 'Application/LD+JSON'"]
)
@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_scripts_of_a_page_are_read_and_nothing_else(kind: str, size: int) -> None:
    """[FMT-013]"""
    text = json.dumps(POSTING)
    content = page(
        script('if (a < b) { document.write(\'<script type="application/ld+json">{"@type":\') }', ""),
        f"<!-- {script(text)} -->",
        script(json.dumps(OTHER), kind),
        script(text, kind),
        script(json.dumps([{**POSTING, "identifier": "2"}]), kind),
    )
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    other, first, second, end = items(pieces, load("jobposting"))
    assert isinstance(other, PassedItem)
    assert ["bretagne:2027-12", "bretagne:2"] == [one.id for one in (first, second) if isinstance(one, OfferItem)]
    assert FeedComplete(3) == end


@pytest.mark.parametrize("bad", ["{", "{]", "", "Not found", '{"@type": "JobPosting",}', "[}"])
def test_a_script_with_a_fault_hides_no_other(bad: str) -> None:
    """[FMT-006]"""
    first, second, end = items(page(script(bad), script(json.dumps(POSTING))), load("jobposting"))
    assert isinstance(first, BrokenItem)
    assert (["item-malformed"], 3) == (codes(first), first.position.line)
    assert isinstance(second, OfferItem)
    assert FeedComplete(2) == end


def test_a_page_without_scripts_changes_nothing() -> None:
    """[FMT-002]"""
    assert "items-not-found" == unusable(page(), load("jobposting"))


def test_a_page_that_is_cut_within_a_script_changes_nothing() -> None:
    """[FMT-002]"""
    assert "feed-cut" == unusable(page(script(json.dumps(POSTING)))[:300], load("jobposting"))


def test_a_mapping_on_top_replaces_single_fields() -> None:
    """[FMT-012]"""
    mapping = load("jobposting", {"fields": {"weeks": {"school_weeks": True}, "levels": {"constant": ["troisieme"]}}})
    [offer] = offers(written(POSTING), mapping)
    assert (["2027-W24", "2027-W25"], ["troisieme"], "bretagne:2027-12") == (
        offer.document["weeks"],
        offer.document["levels"],
        offer.id,
    )
