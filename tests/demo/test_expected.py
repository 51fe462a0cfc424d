"""Expected outcome of a generated document, by its platform's channel."""

from datetime import date
from typing import Any

import pytest

from adapters.profile.packaged import profiles
from adapters.profile.profile import Profile, read_profile
from gateway.demo.expected import ExpectedOffer, expected_offers
from gateway.demo.region_site.feed import example_profile

ON = date(2026, 11, 25)
OFFER = {
    "id": "bretagne:1",
    "revision": 1,
    "title": "Découverte d'un atelier",
    "description": "Observer la fabrication d'un meuble.",
    "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
    "location": {"postal_code": "35000", "city": "Rennes"},
    "levels": ["troisieme"],
    "weeks": ["2027-W11"],
    "sector": "s5",
    "apply_url": "https://stages.ideo.bretagne.bzh/offres/1",
}
NATIVE = profiles()["bretagne"]


def feed() -> Profile:
    transport = {"kind": "https", "url": "https://feed.example/stages.json"}
    profile = read_profile(example_profile("bretagne", "json", transport))
    assert isinstance(profile, Profile)
    return profile


FEED = feed()


@pytest.mark.parametrize("profile", [NATIVE, FEED], ids=["native", "feed"])
def test_a_right_offer_is_live_where_it_is_and_at_the_national_site(profile: Profile) -> None:
    expected = ExpectedOffer("Découverte d'un atelier", "35", ("bretagne:1",))
    assert {"bretagne:1": expected} == expected_offers([OFFER], profile, ON)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"restrictions": {"schools": ["0350001L"]}}, ()),
        ({"levels": ["seconde"], "weeks": ["2027-W24"]}, ()),
        ({"levels": ["troisieme", "seconde"], "weeks": ["2027-W11", "2027-W24", "2027-W25"]}, ("~c", "~l")),
    ],
    ids=["reserved to schools", "one week of seconde", "both kinds of school"],
)
def test_names_are_those_of_the_parts_that_the_national_site_takes(
    changes: dict[str, Any], names: tuple[str, str]
) -> None:
    [expected] = expected_offers([{**OFFER, **changes}], NATIVE, ON).values()
    assert expected is not None
    assert tuple(f"bretagne:1{name}" for name in names) == expected.names


def test_a_mapping_corrects_in_a_feed_what_a_document_is_refused_for() -> None:
    """A postcode as a number is refused in a document, and read correctly in a feed."""
    wrong = {**OFFER, "location": {"postal_code": 35000, "city": "Rennes"}}
    assert {"bretagne:1": None} == expected_offers([wrong], NATIVE, ON)
    assert expected_offers([OFFER], FEED, ON) == expected_offers([wrong], FEED, ON)


def test_an_offer_without_sector_is_refused_by_every_channel() -> None:
    wrong = {name: value for name, value in OFFER.items() if name != "sector"}
    assert [{"bretagne:1": None}] * 2 == [expected_offers([wrong], profile, ON) for profile in (NATIVE, FEED)]
