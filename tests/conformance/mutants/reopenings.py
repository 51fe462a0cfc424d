"""Wrong gateways: what reopens, what shows again, what a withdrawn offer is answered (WDR-008 to WDR-011)."""

import re
from dataclasses import replace

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import OFFERS, value_of, withdrawn_one
from tests.conformance.mutants.ways import (
    codes,
    edited,
    exported,
    items_changed,
    postings_changed,
    refusal,
    rows_changed,
    way_in,
)
from tests.conformance.mutants.when import Changed, on_answer

register("reopenings")


def _gone_from(seen: Seen, answered: Answer, kind: str) -> list[str]:
    """What was withdrawn so far, where this is an export of this kind."""
    gone = sorted(_remember_gone(seen, answered))
    return gone if seen.path == f"/v1/exports/{kind}" and answered.status == 200 else []


@wrong("WDR-008", "never reopens an absent offer by a snapshot")
async def reopens_nothing(seen: Seen, forward: Forward) -> Answer:
    if way_in(seen) == "snapshot":
        gone = seen.memory.setdefault("absent", set())
        for each in map(value_of, seen.body.split(b"\n")):
            if isinstance(each, dict) and re.fullmatch("[a-z-]+:[A-Za-z0-9._~-]+", str(each.get("id"))):
                there = replace(seen, method="GET", path=OFFERS + each["id"], query={}, body=b"").bearing(prefer=None)
                state = await forward(there)
                if state.status == 410 and state.json["marker"]["reason"] == "absent":
                    gone.add(each["id"])
    answered = await forward(seen)
    if way_in(seen) == "snapshot" and answered.status == 200:
        results = [
            {**each, "status": "stale"}
            if each.get("id") in seen.memory["absent"] and each["status"] == "accepted"
            else each
            for each in answered.json["results"]
        ]
        return answered.saying({**answered.json, "results": results})
    if (
        seen.method == "GET"
        and answered.status == 200
        and seen.path.removeprefix(OFFERS) in seen.memory.get("absent", ())
    ):
        return refusal([], "offer-withdrawn", 410, marker={"reason": "absent"})
    return answered


async def _reopening(seen: Seen, forward: Forward, code: str) -> Answer:
    """The snapshot again, with a higher revision for what is refused with this code."""
    answered = await forward(seen)
    if way_in(seen) != "snapshot" or f'"{code}"'.encode() not in answered.body or answered.status != 200:
        return answered
    again = {each["id"] for each in answered.json["results"] if code in codes(each)}
    mark = await forward(replace(seen, path="/v1/snapshots/marks", query={}, body=b"").bearing(content_type=None))

    def above(offer: Document) -> None:
        if offer["id"] in again:
            offer["revision"] += 1

    return await forward(edited(seen.asking(mark=mark.json["mark"]), above))


@wrong("WDR-008", "reopens an absent offer by a snapshot with other content under its revision")
async def reopens_other_content(seen: Seen, forward: Forward) -> Answer:
    return await _reopening(seen, forward, "revision-reused")


@wrong("WDR-008", "reopens an absent offer by a snapshot whose mark is older than the absence")
async def reopens_against_an_older_mark(seen: Seen, forward: Forward) -> Answer:
    return await _reopening(seen, forward, "withdrawn-absent")


@on_answer("WDR-008", "reopens an absent offer by a publication too", "offer +withdrawn-absent")
def reopens_by_publication(seen: Seen, _: Answer) -> Changed:
    return seen.carrying({**seen.json, "revision": seen.json["revision"] + 1})


def _remember_gone(seen: Seen, answered: Answer) -> set[str]:
    gone: set[str] = seen.memory.setdefault("withdrawn", set())
    if withdrawn_one(seen, answered):
        gone.add(answered.json["id"])
    return gone


@on_answer("WDR-010", "exports withdrawn offers as CSV")
def exports_withdrawn_rows(seen: Seen, answered: Answer) -> Changed:
    gone = _gone_from(seen, answered, "csv")
    more = lambda rows: [*rows, *({**(rows[0] if rows else {}), "id": each} for each in gone)]  # noqa: E731
    return rows_changed(answered, more) if gone else None


@on_answer("WDR-010", "exports withdrawn offers as JSON-LD")
def exports_withdrawn_postings(seen: Seen, answered: Answer) -> Changed:
    gone = _gone_from(seen, answered, "jobposting")
    more = [{"@type": "JobPosting", "identifier": {"@type": "PropertyValue", "value": each}} for each in gone]
    return postings_changed(answered, lambda known: [*known, *more]) if gone else None


@on_answer("WDR-010", "exports withdrawn offers as RSS")
def exports_withdrawn_items(seen: Seen, answered: Answer) -> Changed:
    gone = _gone_from(seen, answered, "rss")
    more = [f'<item>\n<guid isPermaLink="false">{each}</guid>\n</item>\n' for each in gone]
    return items_changed(exported(answered), lambda known: [*known, *more]) if gone else None


async def _kept(seen: Seen, forward: Forward, path: str, member: str) -> Answer:
    """The list or feed with the last entries of offers that were withdrawn since."""
    answered = await forward(seen)
    gone = _remember_gone(seen, answered)
    shelf = seen.memory.setdefault("shelf", {})
    if seen.path != path or answered.status != 200:
        return answered
    shelf.update({each["id"]: each for each in answered.json[member] if "offer" in each})
    back = [each for name, each in shelf.items() if name in gone]
    if path == "/v1/changes" and "cursor" in seen.query:
        return answered
    known = {each["id"] for each in back}
    rest = [each for each in answered.json[member] if each["id"] not in known]
    return answered.saying({**answered.json, member: [*rest, *back]})


@wrong("WDR-010", "goes on listing offers that are withdrawn")
async def lists_withdrawn_offers(seen: Seen, forward: Forward) -> Answer:
    return await _kept(seen, forward, "/v1/offers", "offers")


@wrong("WDR-010", "gives a reader from the start offers that are withdrawn")
async def starts_readers_with_withdrawn_offers(seen: Seen, forward: Forward) -> Answer:
    return await _kept(seen, forward, "/v1/changes", "changes")


@on_answer("WDR-010", "shows a withdrawn offer to others at its address")
def shows_withdrawn_offers(seen: Seen, answered: Answer) -> Changed:
    shelf = seen.memory.setdefault("shelf", {})
    if seen.publishes and isinstance(seen.json, dict) and answered.status in {200, 201}:
        shelf[seen.path] = {"id": seen.json.get("id"), "sequence": 1, "offer": seen.json}
    gone = seen.method == "GET" and answered.status == 404 and seen.path in shelf
    return json_answer(200, shelf[seen.path]) if gone else None


@on_answer("WDR-011", "answers 410 to everybody who asks for a withdrawn offer")
def shows_markers_to_all(seen: Seen, answered: Answer) -> Changed:
    gone = seen.path.removeprefix(OFFERS) in _remember_gone(seen, answered)
    return refusal([], "offer-withdrawn", 410) if gone and seen.method == "GET" and answered.status == 404 else None
