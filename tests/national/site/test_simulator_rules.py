"""Every rule of the simulated site has a case, and keeps the status and the code of its row, by v1 and v2."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

import tests.national.site.rule_cases_offer  # noqa: F401  # it registers its cases
from demo.national_site.rules import NOT_PLAYED, RULES
from demo.national_site.simulator import NationalSimulator
from tests.national.site.rule_cases import CASES
from tests.national.site.rule_site import RuleSite
from tests.national.site.server import SteppedTime

pytestmark = pytest.mark.slow

RUNS = [(name, version) for name, rule in RULES.items() for version in rule.versions]


@pytest.fixture
async def site(simulator: NationalSimulator, time: SteppedTime, request: Any) -> AsyncIterator[RuleSite]:
    async with aiohttp.ClientSession(simulator.url) as session:
        site = RuleSite(session, simulator, time, request.param)
        await site.login()
        yield site


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert RULES.keys() == CASES.keys()


def test_every_row_names_behaviour_and_source() -> None:
    for name, rule in RULES.items():
        assert rule.does, name
        assert rule.source.startswith(("app/", "config/", "db/")), name
        assert rule.versions, name
        assert rule.code is None or rule.status is not None, name


def test_every_rule_without_a_case_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in NOT_PLAYED.values())


@pytest.mark.parametrize(("name", "site"), RUNS, indirect=["site"])
async def test_the_simulator_keeps_the_rule(name: str, site: RuleSite) -> None:
    await CASES[name](site)
    assert name in site.proved
