"""What the protocol leaves open is no failure: gateways that are right in another way than ours."""

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from conformance.clock import today
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.gateway import GatewayRole
from conformance.role.runner import CaseSelection, cases_for, drive, run_cases
from conformance.script.answer import read_answer
from conformance.target.setup import Setup
from conformance.target.wire import Wire
from tests.conformance.gateway_fixture import played_on
from tests.conformance.mutants.proxy import Answer, Fault, Forward, Seen, json_answer, proxied

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def played(right: Setup, answer: Fault, *chosen: str) -> list[Result]:
    """The results on our gateway behind a proxy with this deviation."""
    async with proxied(right.target, answer, issues=True) as url:
        there = replace(right, target=url)
        return await played_on(there, cases_for(there, CaseSelection(cases=chosen), cases()), seed=answer.__name__)


def alarms(results: list[Result]) -> list[tuple[str, object]]:
    return [
        (each.case.id, each.findings or each.reason)
        for each in results
        if each.outcome not in {Outcome.PASS, Outcome.OMIT}
    ]


async def _flat(seen: Seen, forward: Forward) -> Answer:
    """The marker's members beside those of the problem; no ``detail`` where nothing has to be named."""
    answered = await forward(seen)
    body = answered.json
    if answered.status not in {401, 403, 404, 410} or not isinstance(body, dict):
        return answered
    rest = {name: value for name, value in body.items() if name not in {"marker", "detail"}}
    return answered.saying({**rest, **body.get("marker", {})})


async def _brief(seen: Seen, forward: Forward) -> Answer:
    """The receipt's address alone where nothing was waited for; nothing about none pending; other headers for 401."""
    answered = await forward(seen)
    body = answered.json
    if answered.status == 401:
        return replace(answered, headers={k: v for k, v in answered.headers.items() if k.lower() != "cache-control"})
    if not isinstance(body, dict):
        return answered
    if answered.status == 202 and "results" not in body:
        return answered.saying({"id": body["id"]}) if "id" in body else answered
    return answered.saying({k: v for k, v in body.items() if k != "pending" or v}) if "statuses" in body else answered


async def _alone(seen: Seen, forward: Forward) -> Answer:
    """Without the listing of platforms."""
    if seen.path.startswith("/v1/platforms"):
        return replace(json_answer(404, {"code": "not-found"}), headers={"Content-Type": "application/problem+json"})
    return await forward(seen)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        (_flat, "withdrawal/with-its-marker withdrawal/marker-without-content snapshot/absent-marker"),
        (_flat, "error/hidden-like-unknown error/in-the-wanted-language-throughout error/french-by-default"),
        (_brief, "publish/queued-is-202 publish/address-of-the-receipt publish/withdrawal-is-202"),
        (_brief, "receipt/not-waited-for batch/waited-for snapshot/waited-for security/unknown-like-wrong"),
        (_alone, "error/unknown-in-reading feed/left-the-own-territory security/every-address-asks"),
        (_alone, "security/details-of-oneself-only security/certified-until security/with-every-answer"),
    ],
)
async def test_another_form_that_the_protocol_allows_is_no_failure(right: Setup, answer: Fault, chosen: str) -> None:
    results = await played(right, answer, *chosen.split())
    assert [] == alarms(results)
    assert len(chosen.split()) == len(results)


async def test_a_marker_is_read_from_a_member_or_flat_and_only_with_its_status() -> None:
    flat = {"status": 410, "id": "a:1", "revision": 2, "reason": "filled"}
    assert {"id": "a:1", "revision": 2, "reason": "filled"} == read_answer(410, {}, flat)["marker"]
    assert {"reason": "absent"} == read_answer(410, {}, {**flat, "marker": {"reason": "absent"}})["marker"]
    assert "marker" not in read_answer(404, {}, flat)


async def _without_receipt(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return answered.saying({"verdict": "accepted"}) if seen.publishes and answered.status == 201 else answered


async def test_a_value_that_later_steps_need_is_expected_where_it_is_missing(right: Setup) -> None:
    [result] = await played(right, _without_receipt, "receipt/by-id")
    [finding] = result.findings
    assert "step 1, PUT /v1/offers/${id.a}: /receipt" == finding.location["en"]
    assert ("anything", "nothing") == (finding.expected["en"], finding.actual["en"])


class Limited:
    """At most so many requests a minute of each partner, evenly; Retry-After says when the next one is due."""

    def __init__(self, a_minute: int) -> None:
        self._seconds = 60 / a_minute
        self._burst = a_minute
        self._due: dict[str, float] = {}
        self.refused = 0

    async def __call__(self, seen: Seen, forward: Forward) -> Answer:
        now = asyncio.get_running_loop().time()
        who = seen.headers.get("Authorization", "")
        due = max(self._due.get(who, 0.0), now - self._burst * self._seconds)
        if who and due > now:
            self.refused += 1
            return Answer(429, {"Content-Type": "application/problem+json", "Retry-After": "1"}, b"{}")
        self._due[who] = due + self._seconds
        return await forward(seen)


async def test_a_gateway_with_a_low_rate_is_waited_for(right: Setup) -> None:
    limited = Limited(200)
    limited._burst = 3
    async with proxied(right.target, limited) as url, aiohttp.ClientSession() as session:
        there = replace(right, target=url)
        role = GatewayRole(there, session, seed="rate", day=today)
        chosen = [case for case in cases() if case.id in {"order/decided-in-a-batch", "publish/defaults"}]
        results = await run_cases(chosen, role, there, on=today())
    assert [] == alarms(results)
    assert limited.refused > 0
    assert role.throttle.seconds > 0


@pytest.mark.timeout(120)
async def test_a_gateway_with_which_a_run_would_last_for_hours_is_a_wrong_set_up(right: Setup) -> None:
    """Twenty requests a minute of each partner."""
    async with proxied(right.target, Limited(20)) as url:
        there = replace(right, target=url, patience=0.2)
        run = await drive(there, cases_for(there, CaseSelection(families=("publish",)), cases()), seed="slow")
    assert 3 == run.exit_code
    assert ["run/rate-limited"] == [each.case.id for each in run.results if each.outcome is not Outcome.PASS]


async def test_a_request_on_a_kept_connection_that_was_closed_is_sent_again() -> None:
    """The server closes each connection after its first answer, without saying so before."""
    served: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if served and request.transport is not None and id(request.transport) in connections:
            request.transport.abort()
            return web.Response()
        connections.add(id(request.transport))
        served.append(request.method)
        return web.Response(text="{}")

    connections: set[int] = set()
    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    journal: list[Any] = []
    try:
        async with aiohttp.ClientSession() as session:
            wire = Wire(session, f"http://127.0.0.1:{runner.addresses[0][1]}", None, journal)
            statuses = [(await wire.call("POST", "/create", body=b"{}")).status for _ in range(3)]
    finally:
        await runner.cleanup()
    assert [200, 200, 200] == statuses
    assert ["POST"] * 3 == served
    assert 3 == len(journal)


async def _behind(seen: Seen, forward: Forward) -> Answer:
    """An offer's own address shows a change one answer later than the lists."""
    answered = await forward(seen)
    own = seen.method == "GET" and seen.path.startswith("/v1/offers/") and answered.status == 200
    if not own or not isinstance(answered.json, dict):
        return answered
    before = seen.memory.get(seen.path)
    seen.memory[seen.path] = answered.json
    return answered if before is None else answered.saying(before)


@pytest.mark.timeout(120)
async def test_an_offers_own_address_may_be_behind_the_lists_for_a_moment(right: Setup) -> None:
    assert [] == alarms(await played(right, _behind, "feed/two-values-of-week"))
