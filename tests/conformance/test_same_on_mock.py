"""A partner's mock is the gateway: the kit's cases of a gateway end on both alike, case by case."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.model.library import cases
from conformance.role.runner import CaseSelection, cases_for
from conformance.target.setup import Setup, TargetAccount
from gateway.mock.accounts import account
from gateway.mock.host import Host, hosted
from tests.conformance.gateway_fixture import HOST, SCOPES, SLUGS, TERRITORY, played_on, running_gateway

pytestmark = pytest.mark.slow

SECRET = "essai"


@asynccontextmanager
async def running_mock() -> AsyncIterator[Setup]:
    """The mock with the accounts of the kit, among them an operator, which partners' mocks have not."""
    hosts = {"subscriber": HOST}
    partners = [
        replace(
            account(slug, SECRET, scopes=SCOPES[name]),
            territory=TERRITORY if name == "subscriber" else frozenset(),
            hosts=(hosts[name],) if name in hosts else (),
        )
        for name, slug in SLUGS.items()
    ]
    accounts = {
        name: TargetAccount(platform=slug, client_id=slug, secret=SECRET, host=hosts.get(name))
        for name, slug in SLUGS.items()
    }
    async with hosted(Host(), "127.0.0.1", 0, partners=partners) as url:
        yield Setup(role="gateway", target=url, accounts=accounts, features={"restart": False})


async def results(setup: Setup, choice: CaseSelection) -> Mapping[str, str]:
    found = await played_on(setup, cases_for(setup, choice, cases()), seed="s")
    return {each.case.id: f"{each.outcome} {each.findings or each.reason or ''}" for each in found}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("families", "least"),
    [
        pytest.param(("publish", "receipt", "withdrawal", "discovery"), 30, marks=pytest.mark.smoke),
        pytest.param((), 680),
    ],
    ids=["some", "all"],
)
async def test_the_kits_results_are_the_same_by_case_id(tmp_path: Path, families: tuple[str, ...], least: int) -> None:
    choice = CaseSelection(families=families)
    async with running_mock() as mock:
        on_mock = await results(mock, choice)
    async with running_gateway(tmp_path) as gateway:
        assert await results(gateway, choice) == on_mock
    assert len(on_mock) >= least
