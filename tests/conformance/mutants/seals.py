"""Gateways whose cursors, marks and receipt ids are not sealed, or that show what stays inside."""

import asyncio
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import CHANGES, code_of, page_of, way

_HANG = 120


def _close(known: str, given: str) -> bool:
    """Whether one is the other with a character or two changed."""
    return len(known) == len(given) and 0 < sum(a != b for a, b in zip(known, given, strict=True)) <= 2


@wrong("SEC-006", "takes a cursor of the feed in which something was changed")
async def takes_altered_cursors(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    cursors = seen.memory.setdefault("cursors", [])
    if page is not None:
        cursors.append(page["cursor"])
    if way(seen) == CHANGES and code_of(answered) == "cursor-forged":
        known = next((each for each in cursors if _close(each, seen.query["cursor"])), None)
        return answered if known is None else await forward(seen.asking(cursor=known))
    return answered


@wrong("SEC-006", "takes a cursor of the list in the feed")
async def takes_cursors_of_the_list_in_the_feed(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if answered.status == 200 and seen.path in {"/v1/offers", "/v1/receipts"} and isinstance(body, dict):
        seen.memory[str(body.get("cursor"))] = True
    if way(seen) == CHANGES and answered.status == 400 and seen.memory.get(seen.query.get("cursor", "")):
        return await forward(seen.asking(cursor=None))
    return answered


@wrong("SEC-006", "takes a cursor of the feed in the list and among receipts")
async def takes_cursors_of_the_feed_in_the_list(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = page_of(seen, answered)
    if page is not None:
        seen.memory[page["cursor"]] = True
    elsewhere = seen.path in {"/v1/offers", "/v1/receipts"} and answered.status == 400
    return (
        await forward(seen.asking(cursor=None))
        if elsewhere and seen.memory.get(seen.query.get("cursor", ""))
        else answered
    )


@wrong("SEC-006", "takes a mark in which something was changed")
async def takes_altered_marks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    marks = seen.memory.setdefault("marks", [])
    if seen.path == "/v1/snapshots/marks" and answered.status == 201:
        marks.append(answered.json["mark"])
    if seen.path == "/v1/snapshots" and code_of(answered) == "mark-invalid":
        known = next((each for each in marks if _close(each, seen.query["mark"])), None)
        return answered if known is None else await forward(seen.asking(mark=known))
    return answered


@wrong("PUB-021", "takes another platform's mark")
async def takes_marks_of_others(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    marks = seen.memory.setdefault("marks", [])
    if seen.path == "/v1/snapshots/marks" and answered.status == 201:
        marks.append(answered.json["mark"])
    if seen.path == "/v1/snapshots" and code_of(answered) == "mark-invalid" and seen.query["mark"] in marks:
        own = await forward(
            replace(seen, path="/v1/snapshots/marks", query={}, body=b"").bearing(content_encoding=None)
        )
        return await forward(seen.asking(mark=own.json["mark"]))
    return answered


@wrong("SEC-006", "reads a receipt under an id in which something was changed")
async def reads_altered_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    issued = seen.memory.setdefault("issued", {})
    name = seen.path.rpartition("/")[2]
    if isinstance(answered.json, dict) and "receipt" in answered.json and answered.status < 300:
        issued[answered.json["receipt"]] = seen.headers.get("Authorization")
    if seen.path.startswith("/v1/receipts/") and answered.status == 404:
        mine = seen.headers.get("Authorization")
        known = next((each for each, token in issued.items() if _close(each, name) and token == mine), None)
        return answered if known is None else await forward(replace(seen, path=f"/v1/receipts/{known}"))
    return answered


@wrong("SEC-007", "asks for a token before its metrics, at the partners' port")
async def shows_metrics_to_partners(seen: Seen, forward: Forward) -> Answer:
    known = seen.path == "/metrics" and "Authorization" in seen.headers
    return Answer(200, {"Content-Type": "text/plain"}, b"requests_total 1\n") if known else await forward(seen)


@wrong("SEC-010", "hangs on a long text full of at signs")
async def hangs_on_at_signs(seen: Seen, forward: Forward) -> Answer:
    if seen.body.count(b"@") > 500:
        await asyncio.sleep(_HANG)
    return await forward(seen)


@wrong("SEC-010", "hangs on a long text full of digits and separators")
async def hangs_on_digits(seen: Seen, forward: Forward) -> Answer:
    if sum(seen.body.count(b"%d" % digit) for digit in range(10)) > 1000 and seen.publishes:
        await asyncio.sleep(_HANG)
    return await forward(seen)


register("seals")
