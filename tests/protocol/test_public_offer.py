"""Offers in public: two keys open one, and what is found is a list (RTE-015, RTE-016)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.protocol.identity import NATIONAL
from gateway.protocol.paris_time import paris_midnight
from gateway.protocol.partner import Partner, PublicAgreement
from gateway.protocol.public_offer import is_open, public_offer, public_platforms
from gateway.protocol.record import OfferState
from gateway.protocol.submission import Known
from schemas.registry import fast_validator, schema
from tests.store.offer_topic import offer_of

CANARY = "canary-7c1f"
ROLES = ("bretagne",)
DAY = "2027-03-09"
BRETAGNE = Partner(
    platform="bretagne", name="Bretagne", scopes=frozenset(), public=PublicAgreement(since=DAY, agreement="1")
)


def state_of(offer: dict[str, Any] | None, provenance: tuple[str, ...] = ROLES) -> OfferState:
    known = Known(
        revision=1,
        digest="0" * 64,
        sequence=1,
        position=0,
        appended_at=0,
        reason=None,
        expires_on="2027-06-27",
        provenance=provenance,
        shared=frozenset(),
        never=frozenset(),
    )
    return OfferState("bretagne:1", known, offer, {"department": "35", "region": "53", "commune": CANARY})


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({}, True),
        ({"redistribution": {"regions": True, "national": True}}, True),
        ({"redistribution": {"mask_employer": False}}, True),
        ({"restrictions": {"rep": False}}, True),
        ({"redistribution": {"regions": False}}, False),
        ({"redistribution": {"national": False}}, False),
        ({"redistribution": {"mask_employer": True}}, False),
        ({"restrictions": {"rep": True}}, False),
        ({"restrictions": {"qpv": True}}, False),
        ({"restrictions": {"schools": ["0350001A"]}}, False),
        ({"restrictions": {"a later one": True}}, False),
    ],
)
def test_an_offer_is_open_where_nothing_restricts_it(wishes: dict[str, Any], *, expected: bool) -> None:
    """[RTE-015]"""
    assert expected == is_open(offer_of("bretagne:1", **wishes), ROLES)


def test_an_offer_that_passed_the_national_site_is_not_open() -> None:
    """[RTE-015]"""
    assert not is_open(offer_of("bretagne:1"), ("bretagne", NATIONAL))
    assert not is_open(offer_of("national:1"), (NATIONAL,))


def test_an_agreement_begins_at_midnight_in_paris() -> None:
    """[RTE-015]: and is void once the platform is revoked."""
    midnight = paris_midnight(date.fromisoformat(DAY))
    assert frozenset() == public_platforms([BRETAGNE], now=midnight - 1)
    assert {"bretagne"} == public_platforms([BRETAGNE], now=midnight)
    assert frozenset() == public_platforms([replace(BRETAGNE, revoked=True)], now=midnight)
    assert frozenset() == public_platforms([replace(BRETAGNE, public=None)], now=midnight)
    assert frozenset() == public_platforms([replace(BRETAGNE, platform=NATIONAL)], now=midnight)


def test_a_member_that_is_not_listed_is_left_out() -> None:
    """[RTE-016]: a member that is unknown here is left out like one that is known and not listed."""
    listed = schema("public-offer")["properties"]
    offer = offer_of("bretagne:1", employer={"public": True, "later": CANARY}, location={"later": CANARY})
    whole = {**dict.fromkeys(schema("offer")["properties"], CANARY), **offer, "later": CANARY}
    for inner in ("employer", "location"):
        members = schema("offer")["$defs"][inner]["properties"]
        whole[inner] = {**{name: CANARY for name in members if name not in listed[inner]["properties"]}, **offer[inner]}
    for name in ("employer", "location"):
        for member in ("siret", "website", "street", "description", "latitude"):
            if member in schema("offer")["$defs"][name]["properties"]:
                whole[name][member] = CANARY
    del whole["redistribution"], whole["restrictions"]
    for name in ("stay_weeks", "seats", "accessibility"):
        whole.pop(name)
    found = public_offer(state_of(whole), platforms=frozenset(ROLES))
    assert found is not None
    assert CANARY not in str(found)
    assert listed.keys() >= found.keys()
    assert fast_validator("public-offer").is_valid(found)


def test_an_offer_needs_both_keys() -> None:
    """[RTE-015]"""
    offer = offer_of("bretagne:1")
    assert public_offer(state_of(offer), platforms=frozenset({"bretagne"})) is not None
    assert public_offer(state_of(offer), platforms=frozenset({"normandie"})) is None
    assert public_offer(state_of(None), platforms=frozenset({"bretagne"})) is None
    hidden = offer_of("bretagne:1", redistribution={"mask_employer": True})
    assert public_offer(state_of(hidden), platforms=frozenset({"bretagne"})) is None
