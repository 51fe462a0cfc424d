"""The doctor names what is wrong with the set-up of a publisher, a subscriber or the national site."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from conformance.clock import now
from conformance.target.doctor import examine
from conformance.target.setup import Cluster, Setup, TargetAccount
from schemas.rulebook import LANGUAGES
from tests.conformance.gateway_fixture import running_gateway
from tests.conformance.partner_fixtures import Publisher, Subscriber, interface, setup_for
from tests.conformance.site_fixture import ACCOUNT, simulated_site


async def states(setup: Setup, at: str | None = None) -> dict[str, str]:
    async with aiohttp.ClientSession() as session:
        checks = [check async for check in examine(setup, session, now=at or now())]
    assert [] == [check.name["en"] for check in checks if (check.state != "good") != (check.step is not None)], (
        "each with its step"
    )
    return {check.name["en"]: check.state for check in checks}


@pytest.mark.parametrize("made", [Publisher, Subscriber])
async def test_the_doctor_finds_nothing_wrong_with_a_correct_partner(made: type[Publisher] | type[Subscriber]) -> None:
    setup = setup_for(made)
    async with interface(made(f"http://{setup.listen}")) as control:
        found = await states(replace(setup, control=control))
    assert {f"account {setup.role}": "good", "listen": "good", "test interface": "good"} == found


async def test_a_port_in_use_is_named() -> None:
    setup = setup_for(Publisher)
    address, _, port = setup.listen.rpartition(":")
    with socket.create_server((address, int(port))):
        assert "wrong" == (await states(setup))["listen"]


class NeverForgets(Subscriber):
    """Keeps its offers across a reset."""

    def offers(self) -> dict[str, Any]:
        return {"bretagne:1": {"sequence": 1, "title": "x"}}


async def test_a_reset_without_effect_is_named() -> None:
    setup = setup_for(NeverForgets)
    async with interface(NeverForgets(f"http://{setup.listen}")) as control:
        assert "wrong" == (await states(replace(setup, control=control)))["test interface"]


async def test_a_missing_test_interface_is_graded_by_what_the_role_needs() -> None:
    publisher, subscriber = setup_for(Publisher), setup_for(Subscriber)
    gone = replace(publisher, control="http://127.0.0.1:1")
    found = [
        await states(setup) for setup in (subscriber, publisher, replace(publisher, features={"order": False}), gone)
    ]
    assert ["wrong", "doubtful", "good", "wrong"] == [each["test interface"] for each in found]


async def test_a_missing_account_is_reported() -> None:
    assert "wrong" == (await states(replace(setup_for(Publisher), accounts={})))["account publisher"]


async def test_the_national_site_is_examined_too() -> None:
    async with simulated_site() as (_, setup):
        assert {"good"} == set((await states(setup)).values())
        wrong = TargetAccount(platform="national", client_id=ACCOUNT.client_id, secret="faux")
        assert "wrong" == (await states(replace(setup, accounts={"national": wrong})))["account national"]
        assert "wrong" == (await states(setup, "2020-01-01T00:00:00Z"))["clock"]
    assert {"reachable": "wrong"} == await states(replace(setup, target="http://127.0.0.1:1"))


class Here(AbstractResolver):
    """Resolves every name to this machine."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002  # aiohttp's shape
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def test_plain_http_to_another_host_is_reported() -> None:
    async with (
        simulated_site() as (_, setup),
        aiohttp.ClientSession(connector=TCPConnector(resolver=Here())) as session,
    ):
        elsewhere = replace(setup, target=setup.target.replace("127.0.0.1", "site.example"))
        found = {check.name["en"]: check.state async for check in examine(elsewhere, session, now=now())}
        assert {"reachable": "good", "encrypted": "wrong"} == {name: found[name] for name in ("reachable", "encrypted")}


@pytest.mark.slow
@pytest.mark.parametrize("security", ["PLAINTEXT", "SASL_PLAINTEXT"])
async def test_a_cluster_elsewhere_is_not_asked_in_clear_text(security: str, tmp_path: Path) -> None:
    cluster = Cluster(servers="127.0.0.1:1,kafka.example:1", accounts=("subscriber",), security=security)
    async with running_gateway(tmp_path) as setup, aiohttp.ClientSession() as session:
        checks = [check async for check in examine(replace(setup, cluster=cluster), session, now=now())]
    [topics] = [check for check in checks if check.name["en"] == "subscriber topics"]
    assert topics.step is not None
    assert "wrong" == topics.state
    assert all('"SASL_SSL"' in topics.step[language] for language in LANGUAGES)
