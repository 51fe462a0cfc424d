"""Wrong gateways: personal data in texts, extensions, web addresses and ids (OFR-034)."""

import re
from dataclasses import replace
from typing import Any

import orjson

from tests.conformance.mutants.edits import Document, value_at
from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import edited, entries, exported, problems_changed, way_in, without
from tests.conformance.mutants.when import asked

_HIDDEN = "[…]"


@wrong("OFR-034", "looks for no personal data in keys of extensions")
async def passes_keys_of_extensions(seen: Seen, forward: Forward) -> Answer:
    def renamed(each: Any) -> Any:
        if isinstance(each, dict):
            return {re.sub(r"@|\d{2} ?(?=\d)", "x", name): renamed(inner) for name, inner in each.items()}
        return each

    def edit(offer: Document) -> None:
        offer["extensions"] = renamed(offer["extensions"])

    return await forward(edited(seen, edit))


@wrong("OFR-034", "repeats the personal data that it found in its warning")
async def repeats_personal_data(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if not seen.publishes or not isinstance(seen.json, dict):
        return answered

    def cited(each: Document) -> Document:
        found = value_at(seen.json, each["pointer"]) if each["code"] == "personal-data" else None
        return {**each, "actual": found[:80]} if isinstance(found, str) else each

    return problems_changed(answered, lambda known: [cited(each) for each in known])


async def _leaking(seen: Seen, forward: Forward, *, leaks: bool) -> Answer:
    """The answer with the last e-mail address that was sent, where it should be hidden."""
    if way_in(seen) and (found := re.search(rb"[a-z.]+@[a-z.-]+\.[a-z]+", seen.body)):
        seen.memory.setdefault("contacts", []).append(found[0])
    answered = await forward(seen)
    known = seen.memory.get("contacts")
    if not leaks or not known:
        return answered
    plain = exported(answered)
    body = plain.body.replace(_HIDDEN.encode(), known[-1])
    return answered if body == plain.body else replace(plain, body=body)


@wrong("OFR-034", "does not redact what comes in a batch or snapshot")
async def redacts_no_lines(seen: Seen, forward: Forward) -> Answer:
    if way_in(seen) == "offer":
        return await forward(seen)
    answered = await _leaking(seen, forward, leaks=seen.method == "GET")
    return without(answered, "personal-data") if way_in(seen) else answered


@wrong("OFR-034", "replaces personal data by asterisks")
async def writes_asterisks(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if not any(True for _ in entries(seen, body)):
        return answered
    return replace(answered, body=orjson.dumps(body).replace(_HIDDEN.encode(), b"***"))


register("personal", leaking=lambda when: lambda seen, forward: _leaking(seen, forward, leaks=asked(when, seen)))
