"""Traps 7 to 14, except weeks: fields that the site requires, changes, or must never receive."""

import pytest

from adapters.national.mapping.mapping import NotDeliverable, Ready
from adapters.national.site.answer import Refused, outcome_of
from adapters.national.site.client import NationalSite
from gateway.demo.national_site.simulator import NationalSimulator
from tests.national_site.site_fixtures import NAME, deliver, offer_of, parts_of, ready, row_of

SCHOOL = "0350001L"


async def test_trap_7_fields_that_the_site_requires_are_filled_in(
    site: NationalSite, simulator: NationalSimulator
) -> None:
    offer = offer_of(employer={"description": None}, location={"street": None, "latitude": None, "longitude": None})
    sent = ready(offer)
    assert ("Atelier du Port", "Rennes") == (sent.body["employer_description"], sent.body["street"])
    assert "coordinates" not in sent.body
    await deliver(site, sent)
    row = row_of(simulator)
    assert row.coordinates is not None  # a point of the postcode
    undescribed = parts_of(offer, fillers=False)[""]
    assert isinstance(undescribed, NotDeliverable)
    assert ["employer-undescribed"] == [refusal.code for refusal in undescribed.refusals]


def test_trap_8_an_offer_reserved_to_schools_never_leaves() -> None:
    deliverability = parts_of(offer_of(restrictions={"schools": [SCHOOL]}))[""]
    assert isinstance(deliverability, NotDeliverable)
    assert ["not-deliverable:reserved-schools"] == [refusal.code for refusal in deliverability.refusals]


def test_trap_8_restrictions_go_with_their_levels() -> None:
    college = ready(offer_of(levels=["troisieme"], weeks=["2027-W10"], restrictions={"rep": True}))
    assert (True, False) == (college.body["rep"], college.body["qpv"])
    seconde = ready(offer_of(restrictions={"qpv": True}))
    assert (False, True) == (seconde.body["rep"], seconde.body["qpv"])


def test_trap_9_an_offer_not_meant_for_regions_goes_only_where_reuse_is_accepted() -> None:
    offer = offer_of(redistribution={"regions": False})
    deliverability = parts_of(offer)[""]
    assert isinstance(deliverability, NotDeliverable)
    assert ["not-deliverable:reuse"] == [refusal.code for refusal in deliverability.refusals]
    assert isinstance(parts_of(offer, reuse=True)[""], Ready)


async def test_trap_13_hours_are_sent_in_french_and_unpadded(site: NationalSite, simulator: NationalSimulator) -> None:
    await deliver(site, ready(offer_of()))
    row = row_of(simulator)
    assert {"lundi": ["9:00", "16:30"], "samedi": ["10:00", "12:00"]} == row.daily_hours
    assert "employer_chosen_name" not in ready(offer_of()).body


async def test_trap_13_a_chosen_name_overwrites_the_employers(site: NationalSite) -> None:
    answer = await site.create({**ready(offer_of()).named(NAME), "employer_chosen_name": "Autre"})
    assert "Autre" == answer.body["employer_name"]


@pytest.mark.parametrize(
    ("postal_code", "city", "insee"),
    [("97500", "Saint-Pierre", "97502"), ("98600", "Mata-Utu", "98613"), ("98000", "Monaco", "06088")],
)
async def test_trap_14_some_postcodes_are_refused(postal_code: str, city: str, insee: str, site: NationalSite) -> None:
    locality = {"postal_code": postal_code, "city": city, "insee_commune": insee, "latitude": None, "longitude": None}
    deliverability = parts_of(offer_of(location=locality))[""]
    assert isinstance(deliverability, NotDeliverable)
    assert ["not-deliverable:postal-code"] == [refusal.code for refusal in deliverability.refusals]
    refused = outcome_of(await site.create({**ready(offer_of()).named(NAME), "zipcode": postal_code}))
    assert isinstance(refused, Refused)
    assert "national-refused:postal-code" == refused.refusals[0].code
