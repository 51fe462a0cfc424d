"""``POST /v1/platforms/{platform}/feed``: the operator pauses, resumes and runs a feed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.api import desk
from gateway.protocol.journal import read_entry
from gateway.protocol.source_run import Pause, RunOrder, read_run
from gateway.protocol.topic import JOURNAL, RUNS
from tests.api.write.gateway_harness import Answer, GatewayHarness

PATH = "/v1/platforms/bretagne/feed"
WHO = "normandie/operate"


@pytest.fixture
async def pulled(gateway: GatewayHarness) -> GatewayHarness:
    partners = gateway.context.federation.partners
    known = partners.get("bretagne")
    assert known is not None
    await partners.save(replace(known, profile={"transport": {"kind": "https", "url": "https://example.org/feed"}}))
    return gateway


async def act(gateway: GatewayHarness, body: Any, *, path: str = PATH, who: str = WHO) -> Answer:
    answer = await gateway.ask("POST", path, json=body, who=who)
    assert await gateway.context.federation.runs.reached(await gateway.log.ends(RUNS), 10)
    return answer


async def orders(gateway: GatewayHarness) -> list[Any]:
    return [read_run(record.key, record.value) for record in await gateway.records(RUNS)]


async def test_a_feed_is_paused_and_resumed_once_and_each_is_an_entry(pulled: GatewayHarness) -> None:
    first = await act(pulled, {"action": "pause", "reason": "Maintenance, 06 12 34 56 78"})
    assert (200, True, True) == (first.status, first.body["paused"], first.body["changed"])
    again = await act(pulled, {"action": "pause"})
    assert (200, True, False) == (again.status, again.body["paused"], again.body["changed"])
    assert first.body["since"] == again.body["since"]
    assert {"platform": "bretagne", "paused": False, "changed": True} == (await act(pulled, {"action": "resume"})).body
    assert not (await act(pulled, {"action": "resume"})).body["changed"]
    assert [True, False] == [one.paused for one in await orders(pulled) if isinstance(one, Pause)]
    found = [read_entry(record.value or b"") for record in await pulled.records(JOURNAL)]
    assert [("feed.pause", "Maintenance, […]"), ("feed.resume", None)] == [(entry.act, entry.why) for entry in found]


async def test_the_status_says_since_when_to_the_platform_and_the_operator(pulled: GatewayHarness) -> None:
    """SEC-014"""
    since = (await act(pulled, {"action": "pause"})).body["since"]

    async def details(who: str) -> Any:
        answer = await pulled.ask("GET", "/v1/platforms", who=who)
        return next(line for line in answer.body["platforms"] if line["platform"] == "bretagne").get("details")

    assert since == (await details("bretagne/offers:publish"))["paused_since"]
    assert since == (await details(WHO))["paused_since"]
    assert await details("normandie/offers:read") is None
    await act(pulled, {"action": "resume"})
    assert "paused_since" not in await details("bretagne/offers:publish")


async def test_a_run_is_ordered_with_its_confirmation_but_not_while_paused(pulled: GatewayHarness) -> None:
    answer = await act(pulled, {"action": "run", "confirm": 12})
    assert 202 == answer.status
    [order] = await orders(pulled)
    assert isinstance(order, RunOrder)
    assert (answer.body["order"], 12) == (order.id, order.confirm)
    await act(pulled, {"action": "pause"})
    refused = await act(pulled, {"action": "run"})
    assert (409, "feed-paused") == (refused.status, refused.code)
    assert 1 == sum(isinstance(one, RunOrder) for one in await orders(pulled))


@pytest.mark.parametrize("path", ["/v1/platforms/normandie/feed", "/v1/platforms/nobody/feed", "/v1/platforms/X/feed"])
async def test_a_platform_without_a_feed_is_not_found(pulled: GatewayHarness, path: str) -> None:
    """ERR-003"""
    assert 404 == (await act(pulled, {"action": "pause"}, path=path)).status


async def test_only_an_operator_orders(pulled: GatewayHarness) -> None:
    """SEC-002: the platform itself does not either."""
    for who in ("bretagne/offers:publish", "bretagne/offers:read"):
        assert 403 == (await act(pulled, {"action": "pause"}, who=who)).status
    assert [] == await orders(pulled)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"action": "stop"},
        {"action": "pause", "confirm": 1},
        {"action": "run", "confirm": -1},
        {"action": "run", "confirm": True},
        {"action": "run", "reason": 1},
        {"action": "run", "reason": "x" * 1_001},
        {"action": "run", "when": "now"},
    ],
)
async def test_a_wrong_body_is_refused(pulled: GatewayHarness, body: Any) -> None:
    """ERR-001"""
    answer = await act(pulled, body)
    assert (400, "body-malformed") == (answer.status, answer.code)
    assert [] == await orders(pulled)


def test_one_function_parses_the_body_of_an_act() -> None:
    folder = Path(desk.__file__).parent
    parsing = {path.name for path in folder.glob("*.py") if "clean_reason(" in path.read_text()}
    assert {"desk.py"} == parsing
