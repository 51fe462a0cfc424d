"""The balance: its numbers are those of the external systems, and every difference is reported."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gateway.demo.balance import ExternalCounts, Party, Uncovered, compute_balance
from gateway.demo.expected import ExpectedOffer

BRETAGNE = Party(
    slug="bretagne",
    name="Bretagne",
    way="push",
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
    way="pull",
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


def test_a_complete_federation_balances() -> None:
    """An offer for collège and seconde has two rows at the national site, and is one offer."""
    balance = compute_balance(ENDS)
    assert () == balance.wrongs
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
    ("changes", "wrongs"),
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
        ({"delivered": (*ENDS.delivered, ("elsewhere:1", "?"))}, ["National site: elsewhere:1 is nobody's"]),
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
def test_every_difference_is_reported(changes: dict[str, Any], wrongs: list[str]) -> None:
    assert wrongs == list(compute_balance(replace(ENDS, **changes)).wrongs)


def test_an_offer_never_comes_back_to_its_publisher() -> None:
    party = replace(BRETAGNE, held={"bretagne:1": "Un"})
    wrongs = compute_balance(replace(ENDS, parties=(party, NORMANDIE))).wrongs
    assert ("Bretagne: bretagne:1 should not be in its copy",) == wrongs
