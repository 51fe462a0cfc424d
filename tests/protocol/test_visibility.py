"""Routing: which subscribers see an offer, which of its fields, and which must receive its removal."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.protocol.record import OfferState
from gateway.protocol.visibility import (
    Filter,
    Reader,
    audiences,
    change_for,
    masked,
    provenance_of,
)
from schemas import schema
from schemas.masking import Members, harmless_members
from tests.protocol.example import OFFER, TERRITORY, known

LATER = "canary of a later version"


def test_an_offer_never_goes_where_it_has_been() -> None:
    """[RTE-003] [RTE-004]: an apply URL on another platform's host means that it passed there."""
    hosts = {"stages.example": "occitanie"}
    assert provenance_of(OFFER, publisher="bretagne", hosts=hosts) == ("bretagne", "occitanie")
    state = OfferState("bretagne:1", known(provenance=("bretagne", "occitanie")), OFFER, TERRITORY)
    seen = [
        change_for(Reader(name), Filter(), state, above_start=True) is not None for name in ("occitanie", "grand-est")
    ]
    assert seen == [False, True]


def test_redistribution_governs_regions_and_the_national_site_apart() -> None:
    """[RTE-002]."""
    for flag, reader in (("regions", "grand-est"), ("national", "national")):
        offer = {**OFFER, "redistribution": {flag: False}}
        state = OfferState("bretagne:1", known(shared=frozenset()), offer, TERRITORY)
        assert change_for(Reader(reader), Filter(), state, above_start=True) is None


def test_an_offer_reserved_for_schools_is_for_the_regions_only() -> None:
    """[NAT-002]."""
    reserved = {**OFFER, "restrictions": {"schools": ["0350896J"]}}
    assert {"regions"} == audiences(reserved)
    assert {"regions", "national"} == audiences({**OFFER, "restrictions": {"rep": True}})
    assert set() == audiences({**reserved, "redistribution": {"regions": False}})
    never = OfferState("bretagne:1", known(shared=frozenset({"regions"})), reserved, TERRITORY)
    assert change_for(Reader("national"), Filter(), never, above_start=True) is None
    assert change_for(Reader("grand-est"), Filter(), never, above_start=True) is not None
    removed = change_for(Reader("national"), Filter(), replace(never, known=known()), above_start=True)
    assert {"op": "removal", "id": "bretagne:1", "sequence": 5, "reason": "out-of-scope"} == removed


def test_an_offer_that_stops_being_shared_is_removed_from_its_former_subscribers() -> None:
    """[FEED-007]."""
    offer = {**OFFER, "redistribution": {"regions": False}}
    state = OfferState("bretagne:1", known(), offer, TERRITORY)
    expected = {"op": "removal", "id": "bretagne:1", "sequence": 5, "reason": "out-of-scope"}
    assert change_for(Reader("grand-est"), Filter(), state, above_start=True) == expected


def test_an_offer_that_leaves_the_filter_is_removed_above_the_start_and_skipped_below() -> None:
    """[FEED-006]."""
    state = OfferState("bretagne:1", known(), OFFER, TERRITORY)
    elsewhere = Filter(department=frozenset({"29"}))
    assert change_for(Reader("grand-est"), elsewhere, state, above_start=False) is None
    removal = change_for(Reader("grand-est"), elsewhere, state, above_start=True)
    assert removal is not None
    assert removal["op"] == "removal"


def test_a_removal_passes_every_filter() -> None:
    """[FEED-006]."""
    state = OfferState("bretagne:1", known(reason="filled"))
    change = change_for(Reader("grand-est"), Filter(region=frozenset({"11"})), state, above_start=True)
    assert change == {"op": "removal", "id": "bretagne:1", "sequence": 5, "reason": "filled"}


def test_a_masked_employer_is_hidden_from_all_but_its_publisher() -> None:
    """[RTE-005]."""
    offer = {**OFFER, "redistribution": {"mask_employer": True}}
    visible = masked(offer, reader=Reader("grand-est"), publisher="bretagne")
    assert visible["employer"] == {"public": False}
    assert visible["location"] == {"postal_code": "35000", "city": "Rennes"}
    assert "extensions" not in visible
    assert masked(offer, reader=Reader("bretagne"), publisher="bretagne") == offer


def test_what_a_later_version_adds_to_a_masked_offer_is_left_out_at_every_depth() -> None:
    """[RTE-013]: also within lists, and within a member that was plain; of the territory, too."""
    offer = {**OFFER, "redistribution": {"mask_employer": True}, "rome": {"code": "A1101", "version": "4"}}
    offer |= {"schedule": {"monday": {"start": "09:00", "end": "16:00"}}, "restrictions": {"rep": True}}
    plain = OfferState("bretagne:1", known(), offer, TERRITORY)
    later = with_later_members(offer)
    later |= {"accessibility": {"later": LATER}, "levels": ["seconde", {"later": LATER}]}
    state = OfferState("bretagne:1", known(), later, with_later_members(TERRITORY))
    expected = change_for(Reader("grand-est"), Filter(), plain, above_start=True)
    assert expected is not None
    del expected["offer"]["levels"]
    assert expected == change_for(Reader("grand-est"), Filter(), state, above_start=True)
    assert later == masked(later, reader=Reader("bretagne"), publisher="bretagne")


def test_the_hidden_members_of_an_offer_are_those_without_a_mark() -> None:
    """[RTE-005] [RTE-013]: a new member is hidden until it is marked as harmless."""
    hidden = {"/employer/name", "/employer/description", "/employer/website", "/employer/siret", "/employer/naf"}
    hidden |= {"/location/street", "/location/insee_commune", "/location/latitude", "/location/longitude"}
    assert hidden | {"/extensions"} == pointers_of(schema("offer")) - pointers_listed(harmless_members())


def with_later_members(value: Any) -> Any:
    """A document with an unknown member in each of its objects."""
    if not isinstance(value, dict):
        return value
    return {**{name: with_later_members(member) for name, member in value.items()}, "later": LATER}


def pointers_of(part: Mapping[str, Any], above: str = "") -> set[str]:
    """The pointers of all plain members of a schema."""
    found: set[str] = set()
    for name, member in part.get("properties", {}).items():
        target = schema("offer")["$defs"].get(member.get("$ref", "").rpartition("/")[2], member)
        found |= pointers_of(target, f"{above}/{name}") or {f"{above}/{name}"}
    return found


def pointers_listed(members: Members, above: str = "") -> set[str]:
    found: set[str] = set()
    for name, inner in members.items():
        found |= {f"{above}/{name}"} if inner is None else pointers_listed(inner, f"{above}/{name}")
    return found


def test_a_masked_location_cannot_be_found_by_its_coordinates() -> None:
    """[RTE-005]."""
    state = OfferState("bretagne:1", known(), {**OFFER, "redistribution": {"mask_employer": True}}, TERRITORY)
    around = Filter(bbox=(-2.0, 48.0, -1.0, 49.0))
    assert change_for(Reader("grand-est"), around, state, above_start=False) is None
    bare = OfferState("bretagne:1", known(), OFFER, TERRITORY)
    assert change_for(Reader("grand-est"), around, bare, above_start=False) is not None
