"""Gateways that allow more than the scopes do, or take from a partner what is not its own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, code_of, keep, owner, problem

_BATCH = "/v1/offers/batch"

register("scopes", platforms=lambda more: lambda seen, forward: _platforms(seen, forward, orjson.loads(more)))


def _lacks_scope(answered: Answer) -> bool:
    return answered.status == 403 and code_of(answered) == "scope-missing"


@wrong("SEC-002", "lets readers try a publication")
async def lets_readers_dry_run(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and seen.query.get("dry_run") == "true" and _lacks_scope(answered):
        return json_answer(200, {"id": seen.path.removeprefix("/v1/offers/"), "status": "valid", "problems": []})
    return answered


@wrong(
    "SEC-002", "gives a token all scopes of its partner, and says that it has those that were asked for", issues=True
)
async def widens_tokens(seen: Seen, forward: Forward) -> Answer:
    if seen.path != "/oauth/token" or b"scope=" not in seen.body:
        return await forward(seen)
    kept = b"&".join(part for part in seen.body.split(b"&") if not part.startswith(b"scope="))
    answered = await forward(replace(seen, body=kept))
    [asked] = (value for name, value in parse_qsl(seen.body.decode()) if name == "scope")
    return answered.saying({**answered.json, "scope": asked}) if answered.status == 200 else answered


@wrong("SEC-004", "takes the gateway's reasons for a withdrawal in a batch")
async def takes_the_reason_absent_in_batches(seen: Seen, forward: Forward) -> Answer:
    if seen.path != _BATCH or "Content-Encoding" in seen.headers:
        return await forward(seen)
    body = seen.body
    for reason in (b"expired", b"absent", b"moderated"):
        body = body.replace(b'"withdrawn":"' + reason, b'"withdrawn":"cancelled')
        body = body.replace(b'"withdrawn": "' + reason, b'"withdrawn": "cancelled')
    return await forward(replace(seen, body=body))


@wrong("SEC-004", "lets a publisher moderate an offer of its own")
async def lets_publishers_moderate_their_own(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    own = seen.path.removeprefix("/v1/offers/").startswith(f"{asker(seen)}:")
    if seen.path.endswith("/moderation") and answered.status == 403 and own:
        return json_answer(200, {"verdict": "accepted"})
    return answered


@wrong("SEC-005", "answers 404 to the withdrawal of another's offer that does not exist")
async def reveals_what_exists_by_withdrawals(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    found = seen.method == "DELETE" and answered.status == 403 and code_of(answered) == "not-owner"
    return problem(404, "offer-unknown") if found and seen.path.removeprefix("/v1/offers/") not in known else answered


@wrong("SEC-005", "reports the revision of another's offer that exists")
async def tells_revisions_of_others(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    name = seen.path.removeprefix("/v1/offers/")
    if seen.publishes and answered.status == 403 and code_of(answered) == "not-owner" and name in known:
        return answered.saying({**answered.json, "current": {"revision": known[name]["revision"]}})
    return answered


@wrong("SEC-005", "tries a publication of another's offer without looking whose it is")
async def tries_offers_of_others(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and seen.query.get("dry_run") == "true" and code_of(answered) == "not-owner":
        return json_answer(200, {"id": seen.path.removeprefix("/v1/offers/"), "status": "valid", "problems": []})
    return answered


@wrong("SEC-005", "reports in a batch whether another's offer exists")
async def reveals_what_exists_in_batches(seen: Seen, forward: Forward) -> Answer:
    known = keep(seen)
    answered = await forward(seen)
    body = answered.json
    if seen.path != _BATCH or not isinstance(body, dict) or not isinstance(body.get("results"), list):
        return answered
    results = []
    for each in body["results"]:
        new = each.get("id") and owner(each["id"]) != asker(seen) and each["id"] not in known
        found = [{**one, "code": "offer-unknown"} for one in each.get("problems", ())]
        results.append({**each, "problems": found} if new and found else each)
    return replace(answered, body=orjson.dumps({**body, "results": results}))


async def _platforms(seen: Seen, forward: Forward, more: dict[str, object]) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.path != "/v1/platforms" or answered.status != 200:
        return answered
    rows = [{**more, **row} if row["platform"] != asker(seen) else row for row in body["platforms"]]
    return answered.saying({**body, "platforms": rows})


@wrong("SEC-014", "shows the operator no details of the platforms")
async def tells_the_operator_nothing(seen: Seen, forward: Forward) -> Answer:
    return await _without_details(seen, forward, lambda _: asker(seen) == "operateur")


@wrong("SEC-014", "shows a platform no details of itself")
async def tells_platforms_nothing(seen: Seen, forward: Forward) -> Answer:
    return await _without_details(seen, forward, lambda row: row["platform"] == asker(seen) != "operateur")


async def _without_details(seen: Seen, forward: Forward, hides: Callable[[Any], bool]) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.path != "/v1/platforms" or answered.status != 200:
        return answered
    rows = [
        {name: value for name, value in row.items() if name != "details" or not hides(row)} for row in body["platforms"]
    ]
    return answered.saying({**body, "platforms": rows})
