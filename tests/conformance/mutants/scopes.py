"""Gateways that allow more than the scopes do, or take from a partner what is not its own."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, code_of, keep, owner, problem
from tests.conformance.mutants.when import Changed, on_answer, on_request

_BATCH = "/v1/offers/batch"

register("scopes", platforms=lambda more: lambda seen, forward: _platforms(seen, forward, orjson.loads(more)))


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


@on_request("SEC-004", "takes the gateway's reasons for a withdrawal in a batch", "batch !#Content-Encoding")
def takes_the_reason_absent_in_batches(seen: Seen) -> Changed:
    body = re.sub(rb'("withdrawn": ?")(?:expired|absent|moderated)', rb"\1cancelled", seen.body)
    return replace(seen, body=body)


@on_answer("SEC-004", "lets a publisher moderate an offer of its own", "*/moderation 403")
def lets_publishers_moderate_their_own(seen: Seen, _: Answer) -> Changed:
    own = seen.path.removeprefix("/v1/offers/").startswith(f"{asker(seen)}:")
    return json_answer(200, {"verdict": "accepted"}) if own else None


@on_answer("SEC-005", "answers 404 to the withdrawal of another's offer that does not exist")
def reveals_what_exists_by_withdrawals(seen: Seen, answered: Answer) -> Changed:
    new = seen.path.removeprefix("/v1/offers/") not in keep(seen)
    foreign = seen.method == "DELETE" and answered.status == 403 and code_of(answered) == "not-owner"
    return problem(404, "offer-unknown") if foreign and new else None


@on_answer("SEC-005", "reports the revision of another's offer that exists")
def tells_revisions_of_others(seen: Seen, answered: Answer) -> Changed:
    known = keep(seen).get(seen.path.removeprefix("/v1/offers/"))
    foreign = seen.publishes and answered.status == 403 and code_of(answered) == "not-owner"
    body = {**answered.json, "current": {"revision": known["revision"]}} if foreign and known else None
    return answered.saying(body) if body else None


@on_answer("SEC-005", "reports in a batch whether another's offer exists")
def reveals_what_exists_in_batches(seen: Seen, answered: Answer) -> Changed:
    known, body = keep(seen), answered.json
    if seen.path != _BATCH or not isinstance(body, dict) or not isinstance(body.get("results"), list):
        return None
    results = []
    for each in body["results"]:
        new = each.get("id") and owner(each["id"]) != asker(seen) and each["id"] not in known
        found = [{**one, "code": "offer-unknown"} for one in each.get("problems", ())]
        results.append({**each, "problems": found} if new and found else each)
    return answered.saying({**body, "results": results})


async def _platforms(seen: Seen, forward: Forward, more: dict[str, object]) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.path != "/v1/platforms" or answered.status != 200:
        return answered
    rows = [{**more, **row} if row["platform"] != asker(seen) else row for row in body["platforms"]]
    return answered.saying({**body, "platforms": rows})


@on_answer("SEC-014", "shows the operator no details of the platforms", "/v1/platforms 200")
def tells_the_operator_nothing(seen: Seen, answered: Answer) -> Changed:
    return _without_details(answered, lambda _: asker(seen) == "operateur")


@on_answer("SEC-014", "shows a platform no details of itself", "/v1/platforms 200")
def tells_platforms_nothing(seen: Seen, answered: Answer) -> Changed:
    return _without_details(answered, lambda row: row["platform"] == asker(seen) != "operateur")


def _without_details(answered: Answer, hides: Callable[[Any], bool]) -> Answer:
    rows = [
        {name: value for name, value in row.items() if name != "details" or not hides(row)}
        for row in answered.json["platforms"]
    ]
    return answered.saying({**answered.json, "platforms": rows})
