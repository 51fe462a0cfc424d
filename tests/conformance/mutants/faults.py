"""Gateways that fail wrongly: contents of a kind or size that they do not take, limits, faults of their own."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import CHANGES, LIST, code_of, problem, way

_BATCH = "/v1/offers/batch"
_TRACE = 'Traceback (most recent call last):\n  File "/srv/gateway/app.py", line 12, in handle\n'

register("faults")


@wrong("ERR-004", "takes an offer without a media type")
async def guesses_media_types(seen: Seen, forward: Forward) -> Answer:
    untyped = seen.publishes and seen.headers.get("Content-Type", "application/octet-stream").startswith(
        "application/oct"
    )
    return await forward(seen.bearing(content_type="application/json") if untyped else seen)


@wrong("ERR-005", "refuses an item that is too long, and takes the others")
async def drops_long_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _BATCH and answered.status == 413 and b"\n" in seen.body:
        kept = [line for line in seen.body.split(b"\n") if line and len(line) <= 100_000]
        return await forward(replace(seen, body=b"\n".join(kept)))
    return answered


@wrong("ERR-005", "takes a document that is larger than the limit by blanks")
async def measures_without_blanks(seen: Seen, forward: Forward) -> Answer:
    return await forward(
        seen.carrying(seen.json) if seen.publishes and len(seen.body) > 100_000 and seen.json else seen
    )


@wrong("ERR-006", "answers too many requests without Retry-After")
async def limits_without_retry_after(seen: Seen, forward: Forward) -> Answer:
    seen.memory["number"] = number = seen.memory.get("number", 0) + 1
    return problem(429, "rate-limited") if way(seen) == LIST and number % 5 == 0 else await forward(seen)


@wrong("ERR-008", "says that it is busy without Retry-After")
async def is_busy_without_retry_after(seen: Seen, forward: Forward) -> Answer:
    seen.memory["number"] = number = seen.memory.get("number", 0) + 1
    return problem(503, "view-behind") if way(seen) == CHANGES and number % 5 == 0 else await forward(seen)


@wrong("ERR-008", "answers 500 where it is busy")
async def answers_500_where_it_is_busy(seen: Seen, forward: Forward) -> Answer:
    seen.memory["number"] = number = seen.memory.get("number", 0) + 1
    return problem(500, "internal-error") if way(seen) == LIST and number % 5 == 0 else await forward(seen)


@wrong("ERR-010", "shows where it failed on a number that is too large for it")
async def fails_on_large_numbers(seen: Seen, forward: Forward) -> Answer:
    if any(re.fullmatch(r"\d{19,}", value) for value in seen.query.values()):
        return problem(
            500, "internal-error", detail=_TRACE + "OverflowError: int too large to convert to SQLite INTEGER"
        )
    return await forward(seen)


@wrong("ERR-010", "shows where it failed on a value that is not what it expects")
async def fails_on_wrong_values(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if code_of(answered) == "parameter-invalid" and "bbox" in seen.query:
        return Answer(500, {"Content-Type": "text/html"}, f"<pre>{_TRACE}ValueError: could not convert</pre>".encode())
    return answered


@wrong("ERR-010", "shows its query where an address holds a quote or a null")
async def fails_on_quotes(seen: Seen, forward: Forward) -> Answer:
    strange = re.search(r"%00|%27|'|%22", seen.path) or any(set(value) & set("'\"\0") for value in seen.query.values())
    if strange:
        return json_answer(500, {"error": "near \"'\": syntax error: SELECT body FROM offers WHERE id = ''"})
    return await forward(seen)


@wrong("ERR-010", "shows where it failed on a cursor that it cannot decode")
async def fails_on_strange_cursors(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if code_of(answered) == "cursor-forged" and not re.fullmatch(r"[A-Za-z0-9_-]*", seen.query["cursor"]):
        return problem(500, "internal-error", detail="binascii.Error: Incorrect padding", trace=_TRACE)
    return answered


@wrong("ERR-010", "shows where it failed on a document that is not an object")
async def fails_on_other_documents(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and seen.json is not None and not isinstance(seen.json, dict):
        return problem(500, "internal-error", detail=_TRACE + "AttributeError: 'list' object has no attribute 'get'")
    return await forward(seen)


@wrong("discovery/not-changed-since", "says that nothing has changed, whatever a client has")
async def says_unchanged_to_any_tag(seen: Seen, forward: Forward) -> Answer:
    if "If-None-Match" in seen.headers and seen.method == "GET":
        return Answer(304, {}, b"")
    return await forward(seen)


@wrong("discovery/changed-since", "goes on saying that a list has not changed after a change")
async def says_unchanged_after_changes(seen: Seen, forward: Forward) -> Answer:
    tags = seen.memory.setdefault("tags", set())
    if seen.headers.get("If-None-Match") in tags and seen.method == "GET":
        return Answer(304, {}, b"")
    answered = await forward(seen)
    tags.update(value for name, value in answered.headers.items() if name.lower() == "etag")
    return answered


@wrong("discovery/changed-since", "gives all readers and filters one tag")
async def gives_everything_one_tag(seen: Seen, forward: Forward) -> Answer:
    if seen.method != "GET" or way(seen) != LIST:
        return await forward(seen)
    if seen.headers.get("If-None-Match") == '"1"':
        return Answer(304, {"ETag": '"1"'}, b"")
    answered = await forward(seen)
    headers = {name: value for name, value in answered.headers.items() if name.lower() != "etag"}
    return replace(answered, headers={**headers, "ETag": '"1"'})
