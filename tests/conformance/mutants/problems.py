"""Gateways whose errors are not what a client can read: their form, their types, their language."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.when import Changed, on_answer, on_request

register("problems")


def _typed(answered: Answer, media_type: str) -> Answer:
    headers = {name: value for name, value in answered.headers.items() if name.lower() != "content-type"}
    return replace(answered, headers={**headers, "Content-Type": media_type})


@on_answer("ERR-011", "gives errors one type by status, not by code", "problem")
def gives_types_by_status(_: Seen, answered: Answer) -> Changed:
    return answered.saying({**answered.json, "type": f"urn:fr:stages:problem:{answered.status}"})


@on_answer("ERR-011", "gives every error a type of its own", "problem")
def gives_types_by_request(seen: Seen, answered: Answer) -> Changed:
    seen.memory["number"] = number = seen.memory.get("number", 0) + 1
    return answered.saying({**answered.json, "type": f"{answered.json['type']}:{number}"})


@on_answer("ERR-011", "answers 410 with the marker alone", "410 problem")
def sends_bare_markers(_: Seen, answered: Answer) -> Changed:
    marker = answered.json.get("marker")
    return _typed(answered.saying(marker), "application/json") if marker else None


@on_request("ERR-011", "ignores the weights of Accept-Language: the first language counts", "#Accept-Language")
def ignores_weights(seen: Seen) -> Changed:
    return seen.bearing(accept_language=seen.headers["Accept-Language"].partition(",")[0].partition(";")[0])


@wrong("ERR-011", "translates the error, not the problems within")
async def translates_half(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = answered.json if isinstance(answered.json, dict) and "type" in answered.json else {}
    if not found.get("problems") or not seen.headers.get("Accept-Language", "").startswith("en"):
        return answered
    french = (await forward(seen.bearing(accept_language="fr"))).json
    return answered.saying({**found, "problems": french.get("problems", found["problems"])})
