"""The role national site, against the simulator: the site behaves as the gateway assumes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio

from conformance.clock import today
from conformance.model.case import Case
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.national import NationalRole
from conformance.target.setup import Setup, SetupError, TargetAccount
from tests.conformance.matrix import caught, naming
from tests.conformance.mutants.known_sites import SITES
from tests.conformance.site_fixture import ACCOUNT, played, played_before, simulated_site

pytestmark = pytest.mark.slow

CASES = [case for case in cases() if "national" in case.roles]


def case_of(name: str) -> Case:
    return next(case for case in CASES if case.id == name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def named() -> Mapping[str, Sequence[Result]]:
    """Results of each wrong site in the cases of its fault; all at once, since the rate limit makes them wait."""
    found = await asyncio.gather(*(played_before(each.answer, naming(each, CASES)) for each in SITES.values()))
    return dict(zip(SITES, found, strict=True))


@pytest.mark.parametrize("name", SITES)
def test_a_wrong_site_is_caught_by_the_case_that_names_its_fault(
    name: str, named: Mapping[str, Sequence[Result]]
) -> None:
    assert caught(SITES[name], named[name]).by, SITES[name].fault


def test_every_case_has_a_wrong_site_that_it_catches() -> None:
    assert {case.id for case in CASES} == {case.id for mutant in SITES.values() for case in naming(mutant, CASES)}


@pytest.mark.timeout(240)
async def test_the_simulator_passes_every_case_and_is_called_within_its_rate() -> None:
    async with simulated_site() as (simulator, setup):
        found = await played(setup, CASES)
        assert max(simulator.counted.values()) <= 100
    assert [] == [(each.case.id, each.findings) for each in found if each.outcome is not Outcome.PASS]
    assert len(found) > 10


async def test_a_wrong_password_is_a_configuration_error() -> None:
    wrong = TargetAccount(platform="national", client_id=ACCOUNT.client_id, secret="faux")
    async with simulated_site() as (_, setup):
        [found] = await played(replace(setup, accounts={"national": wrong}), [case_of("national-site/index")])
    assert Outcome.CONFIG_ERROR is found.outcome


async def test_the_role_does_not_start_without_its_account() -> None:
    setup = Setup(role="national", target="http://127.0.0.1:1")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SetupError, match=r"accounts\.national"):
            NationalRole(setup, session, seed="s", day=today)
