"""Gateways whose errors are not what a client can read: their form, their types, their language."""

from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register

register("problems")


def _problem(answered: Answer) -> Any:
    """The document of an error, None for another answer."""
    body = answered.json
    return body if answered.status >= 400 and isinstance(body, dict) and "type" in body else None


def _typed(answered: Answer, media_type: str) -> Answer:
    headers = {name: value for name, value in answered.headers.items() if name.lower() != "content-type"}
    return replace(answered, headers={**headers, "Content-Type": media_type})


@wrong("ERR-011", "gives errors one type by status, not by code")
async def gives_types_by_status(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    return answered.saying({**found, "type": f"urn:fr:stages:problem:{answered.status}"}) if found else answered


@wrong("ERR-011", "gives every error a type of its own")
async def gives_types_by_request(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    seen.memory["number"] = number = seen.memory.get("number", 0) + 1
    return answered.saying({**found, "type": f"{found['type']}:{number}"}) if found else answered


@wrong("ERR-011", "answers 410 with the marker alone")
async def sends_bare_markers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    gone = found is not None and answered.status == 410 and "marker" in found
    return _typed(answered.saying(found["marker"]), "application/json") if gone else answered


@wrong("ERR-011", "ignores the weights of Accept-Language: the first language counts")
async def ignores_weights(seen: Seen, forward: Forward) -> Answer:
    first = seen.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
    return await forward(seen.bearing(accept_language=first) if first else seen)


@wrong("ERR-011", "translates the error, not the problems within")
async def translates_half(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    if not found or not found.get("problems") or not seen.headers.get("Accept-Language", "").startswith("en"):
        return answered
    french = (await forward(seen.bearing(accept_language="fr"))).json
    return answered.saying({**found, "problems": french.get("problems", found["problems"])})
