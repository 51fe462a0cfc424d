"""Gateways whose cursors, marks and receipt ids are not sealed, or that show what stays inside."""

import asyncio
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import CHANGES, code_of, page_of, way
from tests.conformance.mutants.when import Changed, on_answer

_HANG = 120


_LISTS = {"/v1/offers", "/v1/receipts"}


def _like(known: list[str], given: str) -> str | None:
    """One of these that is the given one with a character or two changed."""
    return next((each for each in known if _close(each, given)), None)


def _close(known: str, given: str) -> bool:
    """Whether one is the other with a character or two changed."""
    return len(known) == len(given) and 0 < sum(a != b for a, b in zip(known, given, strict=True)) <= 2


@on_answer("SEC-006", "takes a cursor of the feed in which something was changed", "feed")
def takes_altered_cursors(seen: Seen, answered: Answer) -> Changed:
    page, cursors = page_of(seen, answered), seen.memory.setdefault("cursors", [])
    if page is not None:
        cursors.append(page["cursor"])
    known = _like(cursors, seen.query["cursor"]) if code_of(answered) == "cursor-forged" else None
    return None if known is None else seen.asking(cursor=known)


@on_answer("SEC-006", "takes a cursor of the list in the feed")
def takes_cursors_of_the_list_in_the_feed(seen: Seen, answered: Answer) -> Changed:
    if answered.status == 200 and seen.path in _LISTS and isinstance(answered.json, dict):
        seen.memory[str(answered.json.get("cursor"))] = True
    known = way(seen) == CHANGES and answered.status == 400 and seen.memory.get(seen.query.get("cursor", ""))
    return seen.asking(cursor=None) if known else None


@on_answer("SEC-006", "takes a cursor of the feed in the list and among receipts")
def takes_cursors_of_the_feed_in_the_list(seen: Seen, answered: Answer) -> Changed:
    if (page := page_of(seen, answered)) is not None:
        seen.memory[page["cursor"]] = True
    known = seen.path in _LISTS and answered.status == 400 and seen.memory.get(seen.query.get("cursor", ""))
    return seen.asking(cursor=None) if known else None


@on_answer("SEC-006", "takes a mark in which something was changed")
def takes_altered_marks(seen: Seen, answered: Answer) -> Changed:
    marks = seen.memory.setdefault("marks", [])
    if seen.path == "/v1/snapshots/marks" and answered.status == 201:
        marks.append(answered.json["mark"])
    invalid = seen.path == "/v1/snapshots" and code_of(answered) == "mark-invalid"
    known = _like(marks, seen.query["mark"]) if invalid else None
    return None if known is None else seen.asking(mark=known)


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
