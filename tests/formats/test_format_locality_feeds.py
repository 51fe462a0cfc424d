"""Localities of whole feeds: the country counts in every format, and problems name their source."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from adapters.formats.item import OfferItem, judge
from adapters.formats.mapping_document import READY_MADE
from tests.formats.feeds import FORMS, ON, codes, flat, items, load, only, row, written

SETTLED = {"location.country": {"path": "country"}}
ABROAD = ["US", "USA", "États-Unis", "840", "Monaco", "Belgique", "ALLEMAGNE", "CH"]
FRENCH = ["FR", "FRA", "fr", "France", "FRANCE", "250", "FR - France", "République française"]


def verdict_codes(offer: OfferItem) -> set[str]:
    return {problem.code for problem in judge(offer, revision=1, on=ON).problems}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("country", ABROAD)
def test_an_offer_abroad_is_refused_in_every_format(form: str, country: str) -> None:
    """[FMT-009]"""
    feed = written(form, [{**row(zip="32610", city="Gainesville"), "country": country}])
    offer = only(feed, flat(form, fields=SETTLED))
    [problem] = [problem for problem in offer.problems if problem.severity == "error"]
    assert ("location-abroad", "/location", "country") == (problem.code, problem.pointer, problem.args["source"])
    assert not judge(offer, revision=1, on=ON).accepted


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("country", FRENCH)
def test_an_offer_in_france_is_published_in_every_format(form: str, country: str) -> None:
    """[FMT-008]"""
    feed = written(form, [{**row(), "country": country}])
    offer = only(feed, flat(form, fields=SETTLED))
    assert [] == codes(offer)
    assert {"postal_code": "35000", "city": "Rennes"} == offer.document["location"]


def posting(location: Any) -> OfferItem:
    document = {
        "@type": "JobPosting",
        "identifier": "1",
        "title": "Découverte d'un atelier",
        "description": "Observer la fabrication d'un meuble.",
        "hiringOrganization": "Atelier du Port",
        "jobLocation": location,
        "educationRequirements": "Seconde",
        "industry": "Artisanat d'art",
        "url": "https://stages.example.fr/1",
    }
    mapping = load("jobposting", {"fields": {"weeks": {"school_weeks": True}}})
    return only(orjson.dumps(document), mapping)


def address(**members: Any) -> dict[str, Any]:
    return {"@type": "Place", "address": {"@type": "PostalAddress", **members}}


GAINESVILLE = {"addressLocality": "Gainesville", "postalCode": "32610", "addressRegion": "FL"}
RENNES = {"addressLocality": "Rennes", "postalCode": "35000"}


@pytest.mark.parametrize(
    "country",
    ["US", "USA", "United States", "États-Unis", {"@type": "Country", "name": "US"}, {"name": "États-Unis"},
     [{"@type": "Country", "name": "United States"}], {"@value": "US"}, {"@type": "Country", "identifier": "US"}, None],
)  # fmt: skip
def test_a_posting_abroad_is_refused_however_its_country_is_written(country: Any) -> None:
    """[FMT-009] [FMT-013]"""
    offer = posting(address(**GAINESVILLE, addressCountry=country))
    assert ["location-abroad"] == [problem.code for problem in offer.problems if problem.severity == "error"]
    assert not judge(offer, revision=1, on=ON).accepted


@pytest.mark.parametrize(
    "country",
    ["FR", "FRA", "France", {"@type": "Country", "name": "FR"}, {"@type": "Country", "name": "France"},
     [{"@type": "Country", "name": "France"}], {"@value": "FR"}, None],
)  # fmt: skip
def test_a_posting_in_france_is_published_however_its_country_is_written(country: Any) -> None:
    """[FMT-008] [FMT-013]"""
    offer = posting(address(**RENNES, addressCountry=country))
    assert [] == codes(offer)
    assert {"postal_code": "35000", "city": "Rennes"} == offer.document["location"]
    assert judge(offer, revision=1, on=ON).accepted


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ([address(**RENNES, addressCountry="FR"), address(**GAINESVILLE, addressCountry="US")], "35000"),
        ({"@type": "Place", "address": "4 quai Lamennais, 35000 Rennes, France"}, "35000"),
        ("Lorient, Morbihan, France", "56100"),
        (address(addressLocality="Saint-Denis", addressRegion="La Réunion"), "97400"),
        (address(addressLocality="Saint-Denis", addressRegion={"@type": "State", "name": "Île-de-France"}), "93200"),
        (address(addressLocality="Lyon 69003, France"), "69003"),
    ],
)
def test_a_posting_with_one_text_or_several_localities_gives_the_first_one(location: Any, expected: str) -> None:
    """[FMT-008] [FMT-010] [FMT-013]"""
    offer = posting(location)
    assert expected == offer.document["location"]["postal_code"]
    assert judge(offer, revision=1, on=ON).accepted


@pytest.mark.parametrize(
    "location",
    [
        [address(**GAINESVILLE, addressCountry="US"), address(**RENNES, addressCountry="FR")],
        {"@type": "Place", "address": "10 Downing Street, London SW1A 2AA, United Kingdom"},
        "Bruxelles, Belgique",
        address(addressLocality="Bruxelles", postalCode="1000"),
        address(addressLocality="Strasbourg", postalCode="67000", addressCountry="DE"),
    ],
)
def test_a_posting_whose_first_locality_is_abroad_is_refused(location: Any) -> None:
    """[FMT-009] [FMT-013]"""
    offer = posting(location)
    assert ["location-abroad"] == [problem.code for problem in offer.problems if problem.severity == "error"]


def job(location: str) -> OfferItem:
    feed = f"""<source><job id="1"><title>Découverte d'un atelier</title><description>Observer.</description>
      <link>https://stages.example.fr/1</link><company anonymous="false"><name>Atelier</name></company>
      <workplace><locations>{location}</locations></workplace></job></source>"""
    extra = {"levels": {"constant": ["seconde"]}, "weeks": {"school_weeks": True}, "sector": {"constant": "s5"}}
    return only(feed.encode(), load("cleverconnect", {"fields": extra}))


def test_a_job_of_cleverconnect_abroad_is_refused_by_the_code_or_the_name_of_its_country() -> None:
    """[FMT-009] [FMT-013]"""
    locality = "<city>Wissembourg</city><postalCode>67160</postalCode>"
    for country in ('<country code="DE">Allemagne</country>', "<country>Allemagne</country>", '<country code="de"/>'):
        offer = job(f"<location>{locality}{country}</location>")
        assert ["location-abroad"] == [problem.code for problem in offer.problems if problem.severity == "error"]
    offer = job(f'<location>{locality}<country code="FR">France</country></location>')
    assert [] == codes(offer)


def test_a_job_of_cleverconnect_is_placed_by_its_department() -> None:
    """[FMT-008] [FMT-013]"""
    offer = job('<location><city>Saint-Denis</city><department code="974">La Réunion</department></location>')
    assert "97400" == offer.document["location"]["postal_code"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"zip": "35238"}, {"insee-as-postcode"}),
        ({"zip": "1000", "city": "Bruxelles"}, {"location-abroad"}),
        ({"zip": "1260", "city": "Trélex"}, {"location-unknown"}),
        ({"zip": "", "city": "Saint-Denis"}, {"location-ambiguous"}),
        ({"city": "Vannes"}, {"city-mismatch"}),
        ({"zip": "35000", "city": ""}, {"city-derived"}),
    ],
)
def test_a_warning_about_a_locality_is_reported_once(changes: Mapping[str, str], expected: set[str]) -> None:
    """[FMT-008] [FMT-009]: the verdict does not repeat it."""
    offer = only(orjson.dumps({**row(), **changes}), flat("json"))
    assert expected == verdict_codes(offer) - {"employer-undescribed"}


def test_a_city_beside_an_insee_code_is_compared_with_it() -> None:
    """[FMT-008]"""
    mapping = flat("json", fields={"location.insee_commune": {"path": "insee"}})
    offer = only(orjson.dumps({**row(city="Vannes"), "insee": "35238"}), mapping)
    [problem] = offer.problems
    assert ("city-mismatch", "/location/city", ["Rennes"], "Vannes") == (
        problem.code, problem.pointer, problem.expected, problem.actual,
    )  # fmt: skip
    assert "city" in problem.args["source"]


def test_an_optional_country_that_cannot_be_read_is_left_out() -> None:
    """[FMT-009]"""
    item = {**row(), "country": "Syldavie"}
    strict = only(orjson.dumps(item), flat("json", fields=SETTLED))
    assert ["country-unknown"] == codes(strict)
    optional = {"location.country": {"path": "country", "optional": True}}
    without_country = only(orjson.dumps(item), flat("json", fields=optional))
    assert ["field-left-out"] == codes(without_country)
    assert judge(without_country, revision=1, on=ON).accepted


def test_a_country_may_be_a_constant_or_looked_up() -> None:
    """[FMT-012]"""
    for rule, expected in (({"constant": "Suisse"}, ["location-abroad"]), ({"constant": "FR"}, [])):
        assert expected == codes(only(orjson.dumps(row()), flat("json", fields={"location.country": rule})))
    looked_up = {"location.country": {"path": "c", "map": {"hexagone": "FR", "*": "BE"}}}
    assert [] == codes(only(orjson.dumps({**row(), "c": "Hexagone"}), flat("json", fields=looked_up)))
    assert ["location-abroad"] == codes(only(orjson.dumps({**row(), "c": "?"}), flat("json", fields=looked_up)))


def test_no_text_is_too_long_to_be_refused_soon() -> None:
    """[FMT-005]"""
    for text in ("-" * 400_000, "a " * 200_000, "(" * 400_000, "1 " * 200_000, "cedex " * 60_000):
        [item, _] = items(orjson.dumps(row(zip=text, city=text)), flat("json"))
        assert isinstance(item, OfferItem)
        assert item.refused


def test_the_ready_made_mappings_read_the_country() -> None:
    """[FMT-013]"""
    assert [] == [form for form in READY_MADE if "location.country" not in load(form).fields]
