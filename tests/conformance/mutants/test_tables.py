"""Wrong gateways of the classes that a table of cases covers: scopes, states, counts, filters, keys, addresses."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from conformance.clock import today
from conformance.model.library import cases
from conformance.role.gateway import GatewayRole
from conformance.target.setup import Setup
from tests.conformance.gateway_fixture import running_gateway
from tests.conformance.mutants.proxy import Answer, Fault, Forward, Seen, json_answer, proxied

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def right(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Setup]:
    async with running_gateway(tmp_path_factory.mktemp("gateway")) as setup:
        yield setup


async def _operate_reads(seen: Seen, forward: Forward) -> Answer:
    """A token for ``operate`` alone reads an offer, with the right of somebody who may."""
    answered = await forward(seen)
    if seen.method == "GET" and seen.path.startswith("/v1/offers/"):
        if answered.status == 200:
            seen.memory.setdefault("reads", seen.headers["Authorization"])
        if answered.status == 403 and "reads" in seen.memory:
            return await forward(seen.bearing(authorization=seen.memory["reads"]))
    return answered


async def _counts_what_is_hidden(seen: Seen, forward: Forward) -> Answer:
    """``live`` is that of the platform itself for everybody."""
    answered = await forward(seen)
    if seen.path != "/v1/platforms" or answered.status != 200:
        return answered
    own = next((each for each in answered.json["platforms"] if "details" in each), {"platform": "", "live": 0})
    live = seen.memory.setdefault("live", {})
    live[own["platform"]] = own["live"]
    rows = [{**each, "live": live.get(each["platform"], each["live"])} for each in answered.json["platforms"]]
    return answered.saying({**answered.json, "platforms": rows})


async def _forgets_the_revision(seen: Seen, forward: Forward) -> Answer:
    """After the lifting of a moderation any revision is accepted."""
    if seen.path.endswith("/moderation") and seen.json.get("action") == "lift":
        seen.memory["lifted"] = seen.path.removesuffix("/moderation")
    answered = await forward(seen)
    if seen.publishes and seen.path == seen.memory.get("lifted") and answered.status == 409:
        return json_answer(201, {**answered.json, "verdict": "accepted"})
    return answered


async def _lowers_the_slug(seen: Seen, forward: Forward) -> Answer:
    """Capitals in the slug of an address are made small."""
    path = re.sub(r"(?<=/v1/offers/)[A-Z-]+(?=:)", lambda found: found[0].lower(), seen.path)
    return await forward(replace(seen, path=path))


async def _one_value(seen: Seen, forward: Forward) -> Answer:
    """Of several values of a filter the first counts, at the end of the feed."""
    if seen.path == "/v1/changes" and "cursor" in seen.query and "department" in seen.query:
        answered = await forward(seen)
        kept = [each for each in answered.json["changes"] if each.get("territory", {}).get("department") != "76"]
        return answered.saying({**answered.json, "changes": kept})
    return await forward(seen)


async def _refuses_no_other_content(seen: Seen, forward: Forward) -> Answer:
    """The key of a refusal serves for other content too."""
    key = next((value for name, value in seen.headers.items() if name.lower() == "idempotency-key"), None)
    if key is not None and key in seen.memory and seen.memory[key] != seen.body:
        return await forward(seen.bearing(idempotency_key=None))
    answered = await forward(seen)
    if key is not None and answered.status == 422:
        seen.memory[key] = seen.body
    return answered


async def _counts_good_lines(seen: Seen, forward: Forward) -> Answer:
    """The count of a set is compared with its good lines."""
    if seen.path != "/v1/snapshots" or b"s99" not in seen.body:
        return await forward(seen)
    *lines, last = seen.body.splitlines()
    good = sum(b"s99" not in line for line in lines)
    right = b'{"count": %d}' % len(lines) if last.split(b":")[1].strip(b" }") == b"%d" % good else last
    return await forward(replace(seen, body=b"\n".join([*lines, right, b""])))


async def _tells_the_counts_of_all(seen: Seen, forward: Forward) -> Answer:
    """Statistics are the same for everybody."""
    if seen.path != "/v1/statistics":
        return await forward(seen)
    rows: list[dict[str, Any]] = [
        {"platform": platform, "verdict": verdict, "count": 3}
        for platform in ("bretagne", "normandie")
        for verdict in ("accepted", "refused")
    ]
    return json_answer(200, {"statistics": rows})


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("answer", "case_id"),
    [
        (_operate_reads, "security/every-address-with-operate"),
        (_counts_what_is_hidden, "security/live-for-the-asker"),
        (_forgets_the_revision, "order/moderated-at-five"),
        (_lowers_the_slug, "identity/capitals-in-the-slug"),
        (_one_value, "feed/two-values-of-department"),
        (_refuses_no_other_content, "repeat/key-after-a-refusal"),
        (_counts_good_lines, "snapshot/refused-line-and-count-of-the-good-lines"),
        (_tells_the_counts_of_all, "statistics/of-oneself-only"),
    ],
)
async def test_a_wrong_gateway_of_the_class_is_found(right: Setup, answer: Fault, case_id: str) -> None:
    async with proxied(right.target, answer) as url, aiohttp.ClientSession() as session:
        role = GatewayRole(replace(right, target=url, patience=0.1), session, seed=case_id, day=today)
        [case] = [case for case in cases() if case.id == case_id]
        findings = await role.play(case)
    assert findings
