"""Wrong gateways: revisions and the content that they name (REV-001 to REV-004)."""

import re
from dataclasses import replace
from typing import Any

import orjson

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import decided
from tests.conformance.mutants.ways import codes, edited, entries, problem, way_in
from tests.conformance.mutants.when import Changed, on_answer


def _alike(seen: Seen, answered: Answer, content: Any) -> Changed:
    """A duplicate, where this was the content when the offer came first, and the revision is used for another one."""
    first = seen.memory.setdefault(f"content {seen.path}", content)
    if "revision-reused" not in codes(answered.json) or first != content:
        return None
    return json_answer(200, {**answered.json, "verdict": "duplicate", "problems": []})


def _revision(seen: Seen) -> int | None:
    """The revision of a publication or withdrawal of one offer that is sent to be stored."""
    if "dry_run" in seen.query:
        return None
    if seen.publishes and isinstance(seen.json, dict):
        number = seen.json.get("revision")
        return int(number) if isinstance(number, int | float) and not isinstance(number, bool) else None
    if seen.method == "DELETE" and seen.query.get("revision", "").isdigit():
        return int(seen.query["revision"])
    return None


def _stale(answered: Answer, code: str, **more: Any) -> Answer:
    body = {**(answered.json or {}), "verdict": "stale", "problems": [problem(code, "REV-005")], **more}
    return json_answer(409, body)


async def _last(seen: Seen, forward: Forward) -> tuple[Answer, int]:
    """The answer, and the last revision that was accepted before it."""
    before = int(seen.memory.get(f"revision {seen.path}", 0))
    answered = await forward(seen)
    if decided(answered) and (revision := _revision(seen)):
        seen.memory[f"revision {seen.path}"] = max(before, revision)
    return answered, before


@wrong("REV-001", "asks for the very next revision")
async def asks_for_the_next_revision(seen: Seen, forward: Forward) -> Answer:
    before = seen.memory.get(f"revision {seen.path}", 0)
    revision = _revision(seen)
    if before and revision and revision > before + 1:
        return json_answer(409, {"verdict": "rejected", "problems": [problem("revision-gap", "REV-001")]})
    return (await _last(seen, forward))[0]


@wrong("REV-001", "asks for revision 1 first")
async def asks_for_one_first(seen: Seen, forward: Forward) -> Answer:
    revision = _revision(seen)
    if seen.publishes and revision and revision > 1 and not seen.memory.get(f"revision {seen.path}"):
        return json_answer(409, {"verdict": "rejected", "problems": [problem("revision-gap", "REV-001")]})
    return (await _last(seen, forward))[0]


async def _marker(seen: Seen, forward: Forward) -> Document:
    """The marker of the offer, where it is withdrawn."""
    state = await forward(replace(seen, method="GET", query={}, body=b"").bearing(content_type=None, prefer=None))
    return (state.json or {}).get("marker", {}) if state.status == 410 else {}


@wrong("REV-001", "gives its own changes a revision, so that the publisher's next one is stale")
async def counts_its_own_changes(seen: Seen, forward: Forward) -> Answer:
    revision = _revision(seen)
    if seen.publishes and revision:
        marker = await _marker(seen, forward)
        if marker.get("reason") in {"absent", "moderated"} and revision == marker["revision"] + 1:
            return _stale(json_answer(409, {"id": seen.json.get("id"), "revision": revision}), "older-revision")
    return await forward(seen)


@wrong("REV-001", "accepts a withdrawal only with the very revision of what it withdraws")
async def withdraws_at_the_same_revision(seen: Seen, forward: Forward) -> Answer:
    before = seen.memory.get(f"revision {seen.path}", 0)
    revision = _revision(seen)
    if seen.method == "DELETE" and before and revision:
        if revision != before:
            return json_answer(409, {"verdict": "rejected", "problems": [problem("revision-unknown", "REV-001")]})
        return await forward(seen.asking(revision=str(before + 1)))
    return (await _last(seen, forward))[0]


@wrong("REV-001", "compares revisions as texts")
async def compares_revisions_as_texts(seen: Seen, forward: Forward) -> Answer:
    answered, before = await _last(seen, forward)
    revision = _revision(seen)
    if decided(answered) and before and revision and str(revision) < str(before):
        return _stale(answered, "older-revision")
    return answered


@on_answer("REV-002", "compares content after redaction", "offer document")
def compares_redacted_content(seen: Seen, answered: Answer) -> Changed:
    plain = re.sub(rb"[a-z.]+@[a-z.]+|(?:\d\d ?){5}", b"-", orjson.dumps(seen.json, option=orjson.OPT_SORT_KEYS))
    return _alike(seen, answered, plain)


@on_answer("REV-002", "compares content with its defaults filled in", "offer document")
def compares_completed_content(seen: Seen, answered: Answer) -> Changed:
    defaults = {"national": True, "regions": True, "mask_employer": False}
    filled = {**seen.json, "redistribution": {**defaults, **seen.json.get("redistribution", {})}}
    plain = {name: each for name, each in filled.items() if name not in {"expires_on", "stay_weeks"}}
    return _alike(seen, answered, plain)


@on_answer("REV-002", "compares the fields of the schema, and no extensions", "offer document")
def compares_no_extensions(seen: Seen, answered: Answer) -> Changed:
    return _alike(seen, answered, {name: each for name, each in seen.json.items() if name != "extensions"})


@on_answer("REV-002", "takes 2.0 and 2, or an escaped letter and the letter, for other content", "offer document")
def compares_numbers_as_written(seen: Seen, answered: Answer) -> Changed:
    loose = sorted(re.findall(rb'(?i)\d\.0+\b|\\u00[0-9a-f]{2}|"\d+e', seen.body))
    first = seen.memory.setdefault(f"written {seen.path}", loose)
    body = {**(answered.json or {}), "verdict": "rejected", "problems": [problem("revision-reused", "REV-004")]}
    return json_answer(409, body) if (answered.json or {}).get("verdict") == "duplicate" and first != loose else None


@on_answer("REV-002", "counts the revision as content", "offer object")
def hashes_the_revision(_: Seen, answered: Answer) -> Changed:
    body = answered.json
    if "digest" not in body or "revision" not in body:
        return None
    other = f"{body['revision']:064x}"[-64:]
    mixed = "".join(f"{int(a, 16) ^ int(b, 16):x}" for a, b in zip(body["digest"], other, strict=True))
    return answered.saying({**body, "digest": mixed})


@wrong("REV-003", "writes a change for each duplicate")
async def writes_duplicates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and (answered.json or {}).get("verdict") == "duplicate":
        count = seen.memory[f"written {seen.json['id']}"] = seen.memory.get(f"written {seen.json['id']}", 0) + 1
        return answered.saying({**answered.json, "sequence": answered.json["sequence"] + count})
    if seen.method != "GET":
        return answered
    body = answered.json
    for _, entry in entries(seen, body):
        entry["sequence"] += seen.memory.get(f"written {entry['id']}", 0)
    return answered if body == answered.json else answered.saying(body)


@wrong("REV-003", "writes no receipt for a duplicate")
async def writes_no_receipt_of_duplicates(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    gone = seen.memory.setdefault("gone", set())
    if (answered.json or {}).get("verdict") == "duplicate" and seen.method != "GET":
        gone.add(answered.json["receipt"])
    if seen.path.removeprefix("/v1/receipts/") in gone:
        return json_answer(404, {"code": "not-found", "status": 404, "title": "Introuvable", "type": "urn:x"})
    return answered


@wrong("REV-004", "accepts other content of a batch or snapshot under the same revision")
async def accepts_reuse_in_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way_in(seen) not in {"batch", "snapshot"} or b"revision-reused" not in answered.body:
        return answered

    def above(offer: Document) -> None:
        if any(each.get("id") == offer["id"] and each["status"] == "rejected" for each in answered.json["results"]):
            offer["revision"] += 1

    again = await forward(edited(seen, above))
    return answered if again.status not in {200, 202} else again


@on_answer("REV-004", "accepts a withdrawal at the revision of the publication", "DELETE +revision-reused")
def withdraws_without_a_new_revision(seen: Seen, _: Answer) -> Changed:
    return seen.asking(revision=str(int(seen.query["revision"]) + 1))


register("revisions")
