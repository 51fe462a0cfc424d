"""The balance of the demo: every difference is found, and the expected outcome of an offer is that of the rules."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from adapters.profile.profile import Profile, profiles, read_profile
from demo.balance import ExpectedOffer, ExternalCounts, Party, Uncovered, compute_balance, expected_offers
from demo.region_site.feed import example_profile

BRETAGNE = Party(
    slug="bretagne",
    name="Bretagne",
    channel="push",
    territory=frozenset({"35"}),
    expected={
        "bretagne:1": ExpectedOffer("Un", "35", ("bretagne:1",)),
        "bretagne:2": ExpectedOffer("Deux", "76", ("bretagne:2~c", "bretagne:2~l")),
        "bretagne:3": ExpectedOffer("Trois", "35"),
        "bretagne:4": None,
    },
    withdrawn=frozenset({"bretagne:5"}),
    refused=1,
)
NORMANDIE = Party(
    slug="normandie",
    name="Normandie",
    channel="pull",
    territory=frozenset({"76", "59"}),
    expected={},
    held={"bretagne:2": "Deux", "national:7": "Sept"},
)
ENDS = ExternalCounts(
    parties=(BRETAGNE, NORMANDIE),
    live={"bretagne:1": "Un", "bretagne:2": "Deux", "bretagne:3": "Trois", "national:7": "Sept"},
    gone=frozenset({"bretagne:5", "national:8"}),
    delivered=(("bretagne:1", "Un"), ("bretagne:2~c", "Deux"), ("bretagne:2~l", "Deux")),
    made={"national:7": ExpectedOffer("Sept", "59")},
    uncovered={"Hauts-de-France": frozenset({"59", "80"})},
)
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


def test_a_complete_federation_balances() -> None:
    """An offer for collège and seconde has two rows at the national site, and is one offer."""
    balance = compute_balance(ENDS)
    assert () == balance.differences
    bretagne, normandie = balance.lines
    figures = ("sent", "refused", "withdrawn", "live", "on_site", "not_for_site", "received")
    assert [5, 1, 1, 3, 2, 1, 0] == [getattr(bretagne, name) for name in figures]
    assert [0, 0, 0, 0, 0, 0, 2] == [getattr(normandie, name) for name in figures]
    assert [2, 0, 1, 1, 1, 0, 2] == [getattr(balance.national, name) for name in figures]
    assert (Uncovered("Hauts-de-France", 1, 1, {"Normandie": 1}),) == balance.uncovered


def without(titles: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: title for name, title in titles.items() if name not in names}


def holding(held: Mapping[str, str]) -> tuple[Party, ...]:
    return (BRETAGNE, replace(NORMANDIE, held=held))


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        (
            {"live": without(ENDS.live, "bretagne:3")},
            [
                "Bretagne: bretagne:3 is missing in the federation",
                "Bretagne: 5 sent, but 2 live + 1 refused + 1 withdrawn",
            ],
        ),
        (
            {"live": {**ENDS.live, "bretagne:3": "3"}},
            ["Bretagne: bretagne:3 is an old or another one in the federation"],
        ),
        ({"delivered": ENDS.delivered[1:]}, ["Bretagne: bretagne:1 is missing at the national site"]),
        ({"delivered": (*ENDS.delivered, ENDS.delivered[0])}, ["Bretagne: bretagne:1 is 2 times at the national site"]),
        (
            {"delivered": (*ENDS.delivered, ("bretagne:3", "Trois"))},
            ["Bretagne: bretagne:3 should not be at the national site"],
        ),
        ({"delivered": (*ENDS.delivered, ("elsewhere:1", "?"))}, ["National site: elsewhere:1 belongs to no platform"]),
        ({"parties": holding({"bretagne:2": "Deux"})}, ["Normandie: national:7 is missing in its copy"]),
        (
            {"parties": holding({**NORMANDIE.held, "bretagne:1": "Un"})},
            ["Normandie: bretagne:1 should not be in its copy"],
        ),
        (
            {"parties": holding({**NORMANDIE.held, "bretagne:2": "2"})},
            ["Normandie: bretagne:2 is an old or another one in its copy"],
        ),
        (
            {"parties": (replace(BRETAGNE, refused=0), NORMANDIE)},
            ["Bretagne: 5 sent, but 3 live + 0 refused + 1 withdrawn"],
        ),
        ({"gone": frozenset({"national:8"})}, ["Bretagne: 5 sent, but 3 live + 1 refused + 0 withdrawn"]),
        ({"live": without(ENDS.live, "national:7")}, ["National site: national:7 is missing in the federation"]),
    ],
    ids=[
        "lost",
        "old in the federation",
        "not delivered",
        "delivered twice",
        "delivered though not for the site",
        "of nobody",
        "not received",
        "received out of territory",
        "received in an old revision",
        "refusal not told",
        "withdrawal not told",
        "national offer not imported",
    ],
)
def test_every_difference_is_reported(changes: dict[str, Any], differences: list[str]) -> None:
    assert differences == list(compute_balance(replace(ENDS, **changes)).differences)


def test_an_offer_never_comes_back_to_its_publisher() -> None:
    party = replace(BRETAGNE, held={"bretagne:1": "Un"})
    differences = compute_balance(replace(ENDS, parties=(party, NORMANDIE))).differences
    assert ("Bretagne: bretagne:1 should not be in its copy",) == differences


def feed() -> Profile:
    channel = {"kind": "https", "url": "https://feed.example/stages.json"}
    profile = read_profile(example_profile("bretagne", "json", channel))
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
