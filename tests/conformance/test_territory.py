"""A territory that the set-up declares is tried, whatever the listing of platforms says."""

from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from conformance.clock import today
from conformance.model.library import cases
from conformance.model.result import Outcome
from conformance.role.gateway import GatewayRole
from conformance.role.runner import run_cases
from conformance.target.setup import SetupError, setup_of
from tests.conformance.gateway_fixture import running_gateway

CASE = "feed/left-the-own-territory"


@pytest.mark.parametrize(("region", "outcome"), [("44", Outcome.PASS), ("53", Outcome.FAIL)])
async def test_a_declared_territory_is_required(tmp_path: Path, region: str, outcome: Outcome) -> None:
    """The subscriber's territory at the gateway is region 44."""
    async with running_gateway(tmp_path) as setup, aiohttp.ClientSession() as session:
        declared = replace(setup.accounts["subscriber"], region=region)
        there = replace(setup, accounts={**setup.accounts, "subscriber": declared})
        role = GatewayRole(there, session, seed="s", day=today)
        [result] = await run_cases([case for case in cases() if case.id == CASE], role, there, on=today())
    assert outcome is result.outcome


def test_a_region_is_an_insee_code() -> None:
    account = {"platform": "essai", "secret_env": "S", "region": "Bretagne"}
    body = {"role": "gateway", "target": "https://gateway.example", "accounts": {"subscriber": account}}
    with pytest.raises(SetupError, match="region"):
        setup_of(body, {"S": "x"})
