"""Gateways that accept too much: access, parameters, errors, uploads, snapshots."""

import gzip
import zlib
from dataclasses import replace
from datetime import date

import orjson

import schemas
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.when import Changed, on_answer

_BATCH = "/v1/offers/batch"
_SNAPSHOTS = "/v1/snapshots"


@wrong("security/not-ones-own", "reveals whether another's offer exists")
async def reveals_what_exists(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and "Authorization" in seen.headers:
        known = seen.memory.setdefault("known", set())
        answered = await forward(seen)
        if answered.status in {200, 201}:
            known.add(seen.path)
        if answered.status == 403 and answered.json["code"] == "not-owner" and seen.path not in known:
            return json_answer(404, {"code": "offer-unknown", "title": "?"})
        return answered
    return await forward(seen)


@on_answer("error/unknown-offer", "answers 403 for what is hidden")
def reveals_hidden_offers(seen: Seen, answered: Answer) -> Changed:
    if seen.publishes and b'"regions":false' in seen.body:
        seen.memory[seen.path] = True
    hidden = seen.method == "GET" and answered.status == 404 and seen.memory.get(seen.path)
    return json_answer(404, {**answered.json, "code": "hidden"}) if hidden else None


@wrong("batch/cut-gzip", "accepts a truncated gzip")
async def accepts_truncated_gzip(seen: Seen, forward: Forward) -> Answer:
    if seen.path == _BATCH and seen.headers.get("Content-Encoding") == "gzip" and seen.body[:2] == b"\x1f\x8b":
        inflating = zlib.decompressobj(31)
        plain = inflating.decompress(seen.body, 10_000_000)
        if not inflating.eof and not inflating.unconsumed_tail:
            whole = plain[: plain.rfind(b"\n") + 1]
            return await forward(replace(seen, body=whole).bearing(content_encoding=None))
    return await forward(seen)


@on_answer("batch/all-queued", "returns the results of a batch in another order", "batch 202")
def shuffles_results(_: Seen, answered: Answer) -> Changed:
    results = answered.json["results"]
    return answered.saying({**answered.json, "results": results[::-1]}) if len(results) == 3 else None


@on_answer("snapshot/count-missing", "accepts a snapshot without its count", "snapshot 422 @snapshot-count-missing")
def accepts_uncounted_snapshots(seen: Seen, _: Answer) -> Changed:
    lines = [line for line in seen.body.split(b"\n") if line]
    return replace(seen, body=b"\n".join([*lines, b'{"count": %d}' % len(lines)]))


@on_answer("snapshot/empty-set", "has no guard against an empty snapshot", "snapshot 409")
def has_no_guard(seen: Seen, answered: Answer) -> Changed:
    number = answered.json.get("would_withdraw")
    return None if number is None else seen.asking(confirm=str(number))


@wrong("snapshot/mark-used-up", "accepts a mark twice")
async def accepts_marks_twice(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _SNAPSHOTS and answered.status == 409 and answered.json["code"] == "stale-mark":
        mark = await forward(replace(seen, method="POST", path=f"{_SNAPSHOTS}/marks", query={}, body=b""))
        return await forward(seen.asking(mark=mark.json["mark"]))
    return answered


@wrong("snapshot/invalid-counts-as-present", "treats an invalid offer of a snapshot as absent")
async def withdraws_invalid_offers(seen: Seen, forward: Forward) -> Answer:
    if seen.path != _SNAPSHOTS or "Content-Encoding" in seen.headers:
        return await forward(seen)
    *offers, count = [line for line in seen.body.split(b"\n") if line]
    wrong_ones = [line for line in offers if b'"s99"' in line]
    if not wrong_ones or not schemas.check_submission(offers[0], on=date(2026, 11, 24)).accepted:
        return await forward(seen)
    kept = [line for line in offers if line not in wrong_ones]
    answered = await forward(replace(seen, body=b"\n".join([*kept, orjson.dumps({"count": len(kept)}), b""])))
    return answered.saying({**answered.json, "refused": 1, "withdrawn": 0}) if count else answered


@wrong("snapshot/accepted-after-the-mark", "treats offers accepted after the mark as absent")
async def withdraws_offers_after_the_mark(seen: Seen, forward: Forward) -> Answer:
    if seen.path != _SNAPSHOTS or "mark" not in seen.query or seen.memory.get(seen.query["mark"]):
        return await forward(seen)
    seen.memory[seen.query["mark"]] = True
    plain = gzip.decompress(seen.body) if "Content-Encoding" in seen.headers and seen.body[-1:] == b"\0" else seen.body
    if not plain.rstrip().endswith(b"}") or len(seen.query["mark"]) < 40:
        return await forward(seen)
    mark = await forward(replace(seen, method="POST", path=f"{_SNAPSHOTS}/marks", query={}, body=b""))
    return await forward(seen.asking(mark=mark.json.get("mark", seen.query["mark"])))


@on_answer("security/details-of-oneself-only", "shows every platform's details to all", "/v1/platforms 200")
def shows_details_to_all(_: Seen, answered: Answer) -> Changed:
    rows = answered.json["platforms"]
    details = next((row["details"] for row in rows if "details" in row), {"accepted": 0})
    return answered.saying({**answered.json, "platforms": [{"details": details, **row} for row in rows]})


register("guarding")
