"""Gateways whose errors are not what a client can read: their form, their types, their language."""

import re
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.views import code_of, problem


def _problem(answered: Answer) -> Any:
    """The document of an error, None for another answer."""
    body = answered.json
    return body if answered.status >= 400 and isinstance(body, dict) and "type" in body else None


def _typed(answered: Answer, media_type: str) -> Answer:
    headers = {name: value for name, value in answered.headers.items() if name.lower() != "content-type"}
    return replace(answered, headers={**headers, "Content-Type": media_type})


@wrong("ERR-011", "sends errors as application/json")
async def sends_errors_as_json(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _typed(answered, "application/json") if _problem(answered) is not None else answered


@wrong("ERR-011", "gives every error the type about:blank")
async def gives_no_types(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    return answered.saying({**found, "type": "about:blank"}) if found else answered


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


@wrong("ERR-011", "leaves out the title of an error")
async def gives_no_titles(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    return answered.saying({name: found[name] for name in found if name != "title"}) if found else answered


@wrong("ERR-011", "writes another status into the document than that of the answer")
async def writes_another_status(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    return answered.saying({**found, "status": 400}) if found and answered.status != 400 else answered


@wrong("ERR-011", "answers 401 without a document")
async def sends_bare_401(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _typed(replace(answered, body=b""), "text/plain") if answered.status == 401 else answered


@wrong("ERR-011", "answers 405 in plain text")
async def sends_plain_405(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    plain = _typed(replace(answered, body=b"405: Method Not Allowed"), "text/plain")
    return plain if answered.status == 405 else answered


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


@wrong("ERR-011", "speaks English to those who ask for a language that it does not have")
async def speaks_english_to_others(seen: Seen, forward: Forward) -> Answer:
    wanted = seen.headers.get("Accept-Language", "fr").lower()
    neither = not re.search(r"\b(?:fr|en)\b", wanted)
    return await forward(seen.bearing(accept_language="en") if neither else seen)


@wrong("ERR-011", "knows English by en alone, not by en-GB")
async def knows_no_dialects(seen: Seen, forward: Forward) -> Answer:
    wanted = seen.headers.get("Accept-Language", "")
    return await forward(seen.bearing(accept_language="fr") if re.match(r"en-", wanted) else seen)


@wrong("ERR-011", "translates the error, not the problems within")
async def translates_half(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    found = _problem(answered)
    if not found or not found.get("problems") or not seen.headers.get("Accept-Language", "").startswith("en"):
        return answered
    french = (await forward(seen.bearing(accept_language="fr"))).json
    return answered.saying({**found, "problems": french.get("problems", found["problems"])})


@wrong("ERR-011", "speaks French to all where the token is refused")
async def refuses_tokens_in_french(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return await forward(seen.bearing(accept_language="fr")) if answered.status in {401, 403} else answered


@wrong("ERR-003", "distinguishes a withdrawn offer from an unknown one to readers")
async def tells_withdrawn_from_unknown(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status in {200, 202}:
        seen.memory[seen.path] = True
    hidden = seen.method == "GET" and answered.status == 404 and seen.memory.get(seen.path)
    return problem(410, "offer-withdrawn") if hidden else answered


@wrong("ERR-003", "says in the text of its 404 that an offer is hidden")
async def says_that_it_hides(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes:
        seen.memory[seen.path] = True
    answered = await forward(seen)
    if seen.method == "GET" and answered.status == 404 and seen.memory.get(seen.path):
        return answered.saying({**answered.json, "detail": "Cette offre ne vous est pas destinée.", "fix": "—"})
    return answered


@wrong("ERR-003", "answers 403 to what one may not see")
async def answers_403_to_hidden_offers(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes:
        seen.memory[seen.path] = True
    answered = await forward(seen)
    hidden = seen.method == "GET" and answered.status == 404 and seen.memory.get(seen.path)
    return problem(403, "not-owner") if hidden else answered


@wrong("ERR-003", "answers an unknown address as a wrong request")
async def answers_400_to_unknown_addresses(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    unknown = answered.status == 404 and not seen.path.startswith(("/v1/offers/", "/v1/receipts/"))
    return problem(400, "bad-request") if unknown and code_of(answered) == "not-found" else answered
