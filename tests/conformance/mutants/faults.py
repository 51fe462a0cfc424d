"""Gateways that fail wrongly: contents of a kind or size that they do not take, limits, faults of their own."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import LIST, problem, way
from tests.conformance.mutants.when import Changed, on_answer, on_request

_TRACE = 'Traceback (most recent call last):\n  File "/srv/gateway/app.py", line 12, in handle\n'

register("faults")


def _failed(detail: str, **more: str) -> Answer:
    return problem(500, "internal-error", detail=detail, **more)


def _each_fifth(seen: Seen, refused: Answer) -> Changed:
    seen.memory["number"] = number = seen.memory.get("number", 0) + 1
    return refused if number % 5 == 0 else None


@on_request("ERR-004", "takes an offer without a media type", "offer")
def guesses_media_types(seen: Seen) -> Changed:
    untyped = seen.headers.get("Content-Type", "application/octet-stream").startswith("application/oct")
    return seen.bearing(content_type="application/json") if untyped else None


@on_answer("ERR-005", "refuses an item that is too long, and takes the others", "batch 413")
def drops_long_lines(seen: Seen, _: Answer) -> Changed:
    kept = [line for line in seen.body.split(b"\n") if line and len(line) <= 100_000]
    return replace(seen, body=b"\n".join(kept)) if b"\n" in seen.body else None


@on_request("ERR-005", "takes a document that is larger than the limit by blanks", "offer json")
def measures_without_blanks(seen: Seen) -> Changed:
    return seen.carrying(seen.json) if len(seen.body) > 100_000 else None


@on_request("ERR-006", "answers too many requests without Retry-After", "list")
def limits_without_retry_after(seen: Seen) -> Changed:
    return _each_fifth(seen, problem(429, "rate-limited"))


@on_request("ERR-008", "says that it is busy without Retry-After", "feed")
def is_busy_without_retry_after(seen: Seen) -> Changed:
    return _each_fifth(seen, problem(503, "view-behind"))


@on_request("ERR-008", "answers 500 where it is busy", "list")
def answers_500_where_it_is_busy(seen: Seen) -> Changed:
    return _each_fifth(seen, problem(500, "internal-error"))


@on_request("ERR-010", "shows where it failed on a number that is too large for it")
def fails_on_large_numbers(seen: Seen) -> Changed:
    large = any(re.fullmatch(r"\d{19,}", value) for value in seen.query.values())
    return _failed(_TRACE + "OverflowError: int too large to convert to SQLite INTEGER") if large else None


@on_request("ERR-010", "shows its query where an address holds a quote or a null")
def fails_on_quotes(seen: Seen) -> Changed:
    strange = re.search(r"%00|%27|'|%22", seen.path) or any(set(value) & set("'\"\0") for value in seen.query.values())
    body = {"error": "near \"'\": syntax error: SELECT body FROM offers WHERE id = ''"}
    return json_answer(500, body) if strange else None


@on_answer("ERR-010", "shows where it failed on a cursor that it cannot decode", "@cursor-forged")
def fails_on_strange_cursors(seen: Seen, _: Answer) -> Changed:
    strange = not re.fullmatch(r"[A-Za-z0-9_-]*", seen.query["cursor"])
    return _failed("binascii.Error: Incorrect padding", trace=_TRACE) if strange else None


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
