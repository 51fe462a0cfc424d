"""Gateways that take parameters, or a content, that they should refuse, or refuse them without saying why."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.views import code_of

_KNOWN = {
    "/v1/offers": {
        "region",
        "department",
        "level",
        "week",
        "sector",
        "platform",
        "bbox",
        "territory",
        "cursor",
        "limit",
    },
    "/v1/receipts": {"verdict", "problems", "id", "batch", "snapshot", "since", "order", "cursor", "limit"},
}
_KNOWN["/v1/changes"] = _KNOWN["/v1/offers"] | {"wait"}


def _dropping_unknown(seen: Seen, path: str, known: set[str]) -> Seen:
    return seen.asking(**{name: None for name in seen.query if name not in known}) if seen.path == path else seen


@wrong("ERR-002", "ignores an unknown parameter of the feed")
async def ignores_unknown_parameters_of_the_feed(seen: Seen, forward: Forward) -> Answer:
    return await forward(_dropping_unknown(seen, "/v1/changes", _KNOWN["/v1/changes"]))


@wrong("ERR-002", "ignores an unknown parameter of the list of receipts")
async def ignores_unknown_parameters_of_receipts(seen: Seen, forward: Forward) -> Answer:
    return await forward(_dropping_unknown(seen, "/v1/receipts", _KNOWN["/v1/receipts"]))


@wrong("ERR-002", "ignores an unknown parameter of an export")
async def ignores_unknown_parameters_of_exports(seen: Seen, forward: Forward) -> Answer:
    known = _KNOWN["/v1/offers"] - {"cursor", "limit"}
    there = seen.path if seen.path.startswith("/v1/exports/") else "-"
    return await forward(_dropping_unknown(seen, there, known))


@wrong("ERR-002", "ignores an unknown parameter of a withdrawal")
async def ignores_unknown_parameters_of_withdrawals(seen: Seen, forward: Forward) -> Answer:
    there = seen.path if seen.method == "DELETE" else "-"
    return await forward(_dropping_unknown(seen, there, {"revision", "reason", "dry_run"}))


@wrong("ERR-002", "ignores an unknown parameter of a batch or snapshot")
async def ignores_unknown_parameters_of_uploads(seen: Seen, forward: Forward) -> Answer:
    there = seen.path if seen.path in {"/v1/offers/batch", "/v1/snapshots"} else "-"
    return await forward(_dropping_unknown(seen, there, {"dry_run", "partial", "mark", "confirm"}))


@wrong("ERR-002", "ignores a parameter where one offer or one receipt is read")
async def ignores_parameters_of_one(seen: Seen, forward: Forward) -> Answer:
    one = seen.method == "GET" and re.fullmatch(r"/v1/(?:offers|receipts)/[^/]+", seen.path)
    return await forward(replace(seen, query={}) if one else seen)


async def _instead(seen: Seen, forward: Forward, name: str, value: str | None, *paths: str) -> Answer:
    """Where the value of a parameter is refused, this one is taken instead."""
    answered = await forward(seen)
    refused = answered.status == 400 and code_of(answered) == "parameter-invalid" and name in seen.query
    return await forward(seen.asking(**{name: value})) if refused and seen.path in (paths or (seen.path,)) else answered


@wrong("ERR-002", "takes a page size that is too large for the largest one")
async def cuts_page_sizes(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "limit", "1000")


@wrong("ERR-002", "ignores a page size of receipts that is wrong")
async def ignores_page_sizes_of_receipts(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "limit", None, "/v1/receipts")


@wrong("ERR-002", "ignores a time that it cannot read")
async def ignores_unreadable_times(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "since", None)


@wrong("ERR-002", "finds nothing for a level that does not exist, and does not say so")
async def finds_nothing_for_wrong_levels(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "level", "quatrieme")


@wrong("ERR-002", "ignores a week that does not exist")
async def ignores_wrong_weeks(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "week", None)


@wrong("ERR-002", "ignores a box that it cannot read")
async def ignores_wrong_boxes(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "bbox", None)


@wrong("ERR-002", "ignores a sector, a region or a department that does not exist")
async def ignores_wrong_codes(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answered.status == 400 and code_of(answered) == "parameter-invalid":
        return await forward(seen.asking(sector=None, region=None, department=None))
    return answered


@wrong("ERR-002", "takes every value of dry_run but true for false")
async def publishes_for_other_values(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "dry_run", None)


@wrong("ERR-002", "takes every value of partial but true for false")
async def takes_any_partial(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "partial", None)


@wrong("ERR-002", "takes any order of receipts for the usual one")
async def takes_any_order(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "order", None)


@wrong("ERR-002", "lists no receipts for a verdict that does not exist")
async def takes_any_verdict(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    refused = code_of(answered) == "parameter-invalid" and "verdict" in seen.query
    return json_answer(200, {"receipts": [], "cursor": None, "more": False}) if refused else answered


@wrong("ERR-002", "waits as long as it can where too long a wait is asked for")
async def cuts_waits(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "wait", "0")


@wrong("ERR-002", "withdraws without a revision: the next one is meant")
async def guesses_revisions(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and isinstance(seen.json, dict):
        seen.memory[seen.path] = seen.json.get("revision", 1)
    if seen.method == "DELETE" and "revision" not in seen.query:
        return await forward(seen.asking(revision=str(int(seen.memory.get(seen.path, 1)) + 1)))
    return await forward(seen)


@wrong("ERR-002", "takes a revision of 0 or below for 1")
async def takes_any_revision(seen: Seen, forward: Forward) -> Answer:
    return await _instead(seen, forward, "revision", "1")


@wrong("ERR-002", "takes a snapshot without a mark: it is taken now")
async def takes_marks_itself(seen: Seen, forward: Forward) -> Answer:
    if seen.path != "/v1/snapshots" or "mark" in seen.query:
        return await forward(seen)
    taken = await forward(replace(seen, path="/v1/snapshots/marks", query={}, body=b"").bearing(content_encoding=None))
    return await forward(seen.asking(mark=taken.json["mark"])) if taken.status == 201 else taken


@wrong("ERR-002", "does not name the parameter that is wrong")
async def names_no_parameter(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if not code_of(answered).startswith("parameter-"):
        return answered
    found = {name: value for name, value in answered.json.items() if name in {"type", "status", "code", "expected"}}
    return answered.saying({**found, "title": "Paramètre", "detail": "Un paramètre est faux."})


@wrong("ERR-002", "does not say what is expected of a parameter")
async def tells_no_expectation(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if not code_of(answered).startswith("parameter-"):
        return answered
    found = {name: value for name, value in answered.json.items() if name not in {"expected", "fix", "nearest"}}
    return answered.saying({**found, "detail": f"{' '.join(seen.query)} ?"})


@wrong("ERR-002", "does not name the nearest parameter that it knows")
async def names_no_nearest(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if code_of(answered) != "parameter-unknown":
        return answered
    found = {name: value for name, value in answered.json.items() if name != "nearest"}
    return answered.saying(
        {**found, "detail": "Paramètre inconnu : " + " ".join(seen.query), "expected": "autre chose"}
    )


@wrong("ERR-001", "ignores the content of a request that must have none")
async def ignores_contents(seen: Seen, forward: Forward) -> Answer:
    bodiless = seen.method in {"GET", "DELETE"} or seen.path.endswith("/marks")
    return await forward(replace(seen, body=b"") if bodiless else seen)


@wrong("ERR-001", "takes what it could read of a batch that breaks off amid a line")
async def takes_half_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == "/v1/offers/batch" and answered.status in {400, 422} and b"\n" in seen.body.rstrip(b"\n"):
        whole, _, last = seen.body.rstrip(b"\n").rpartition(b"\n")
        return await forward(replace(seen, body=whole + b"\n")) if not last.endswith(b"}") else answered
    return answered


@wrong("ERR-001", "takes plain content for gzip that it is said to be")
async def takes_plain_for_gzip(seen: Seen, forward: Forward) -> Answer:
    plain = seen.headers.get("Content-Encoding") == "gzip" and seen.body[:2] != b"\x1f\x8b"
    return await forward(seen.bearing(content_encoding=None) if plain else seen)


@wrong("ERR-001", "calls a content that it cannot read a refused offer")
async def answers_422_to_unreadable_contents(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    unreadable = code_of(answered) in {"body-malformed", "body-truncated", "body-unexpected", "bad-request"}
    return replace(answered.saying({**answered.json, "status": 422}), status=422) if unreadable else answered
