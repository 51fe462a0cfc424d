"""A territory that the set-up declares is tried on every way out, whatever the listing of platforms says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.model.library import cases
from conformance.model.result import Outcome
from conformance.script.towns import departments_in
from conformance.target.setup import Setup, SetupError, setup_of
from schemas.territory import territories
from tests.conformance.gateway_fixture import TERRITORY, played_on, running_gateway

CASES = ("feed/left-the-own-territory", "feed/exported-by-the-own-territory")
TERRITORIES = {
    "a-region": departments_in("44"),
    "a-department": ["35"],
    "departments-of-two-regions": ["35", "22", "14"],
    "a-region-and-a-department": [*departments_in("94"), "974"],
}


async def outcomes(setup: Setup, *, territory: Sequence[str]) -> list[tuple[Outcome, object]]:
    """The outcomes of the cases about territories, where the set-up declares this one."""
    declared = replace(setup.accounts["subscriber"], territory=tuple(territory))
    there = replace(setup, accounts={**setup.accounts, "subscriber": declared})
    chosen = [case for case in cases() if case.id in CASES]
    results = await played_on(there, chosen, seed="s")
    return [(each.outcome, each.findings) for each in results]


@pytest.mark.parametrize("name", TERRITORIES)
async def test_the_kit_finds_no_fault_in_the_territory_of_a_reader(tmp_path: Path, name: str) -> None:
    territory = TERRITORIES[name]
    async with running_gateway(tmp_path, territory=frozenset(territory)) as setup:
        assert [(Outcome.PASS, ())] * 2 == await outcomes(setup, territory=territory)


@pytest.mark.parametrize(
    ("declared", "outcome"), [((), Outcome.PASS), (departments_in("53"), Outcome.FAIL), (["57"], Outcome.FAIL)]
)
async def test_a_declared_territory_is_required(tmp_path: Path, declared: Sequence[str], outcome: Outcome) -> None:
    """The subscriber's territory at the gateway is region 44, as the listing of platforms says."""
    async with running_gateway(tmp_path, territory=TERRITORY) as setup:
        assert [outcome] * 2 == [each for each, _ in await outcomes(setup, territory=declared)]


def _setup(**account: object) -> Setup:
    subscriber = {"platform": "essai", "secret_env": "S", **account}
    body = {"role": "gateway", "target": "https://gateway.example", "accounts": {"subscriber": subscriber}}
    return setup_of(body, {"S": "x"})


def test_a_territory_is_a_region_and_departments() -> None:
    found = [
        _setup(**each).accounts["subscriber"].territory
        for each in ({}, {"region": "94"}, {"departments": ["35", "14"]}, {"region": "94", "departments": ["35"]})
    ]
    assert [(), ("2A", "2B"), ("14", "35"), ("35", "2A", "2B")] == found


@pytest.mark.parametrize(
    ("account", "named"),
    [
        ({"region": "Bretagne"}, "subscriber.region"),
        ({"departments": "35"}, "subscriber.departments"),
        ({"departments": ["35", "Rennes"]}, "Rennes"),
        ({"departments": [35]}, "subscriber.departments"),
        ({"departments": list(territories())}, "all of France"),
    ],
)
def test_a_territory_is_named_by_insee_codes(account: dict[str, object], named: str) -> None:
    with pytest.raises(SetupError, match=named):
        _setup(**account)
