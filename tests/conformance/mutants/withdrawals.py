"""Wrong gateways: withdrawals and what stays of them (WDR-001 to WDR-007)."""

import re
from dataclasses import replace

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import OFFERS, value_of, withdrawn_one, withdraws_one
from tests.conformance.mutants.ways import codes, edited, problem, refusal, waits, way_in
from tests.conformance.mutants.when import Changed, on_answer, on_request


def _accepted(answered: Answer) -> Answer:
    return json_answer(201, {**answered.json, "verdict": "accepted", "problems": []})


@on_answer("WDR-001", "shows the content of a withdrawn offer beside its marker")
def keeps_withdrawn_content(seen: Seen, answered: Answer) -> Changed:
    if seen.publishes and answered.status in {200, 201}:
        seen.memory[f"content {seen.path}"] = seen.json
    gone = seen.method == "GET" and answered.status == 410
    content = {"offer": seen.memory.get(f"content {seen.path}", {"title": "x"})}
    return answered.saying({**answered.json, **content}) if gone else None


async def _unknown(seen: Seen, forward: Forward) -> bool:
    state = await forward(replace(seen, method="GET", query={}, body=b"").bearing(prefer=None, content_type=None))
    return state.status == 404


@wrong("WDR-002", "accepts the withdrawal of an unknown offer, and keeps no marker")
async def keeps_no_marker_of_unknown_offers(seen: Seen, forward: Forward) -> Answer:
    if (
        withdraws_one(seen)
        and waits(seen)
        and seen.query.get("revision", "").isdigit()
        and await _unknown(seen, forward)
    ):
        tried = await forward(seen.asking(dry_run="true"))
        revision = int(seen.query["revision"])
        body = {
            "receipt": f"r{'A' * 30}",
            "id": seen.path.removeprefix(OFFERS),
            "verdict": "accepted",
            "revision": revision,
        }
        return json_answer(200, body) if tried.status == 200 else tried
    return await forward(seen)


@wrong("WDR-002", "queues no withdrawal of an unknown offer that comes in a batch")
async def drops_unknown_withdrawals_of_lines(seen: Seen, forward: Forward) -> Answer:
    if way_in(seen) != "batch":
        return await forward(seen)
    lines = [value_of(line) for line in seen.body.split(b"\n")]
    gone = []
    for each in lines:
        if isinstance(each, dict) and "withdrawn" in each and isinstance(each.get("id"), str):
            there = replace(seen, path=OFFERS + each["id"])
            if re.fullmatch("[a-z-]+:[A-Za-z0-9._~-]+", each["id"]) and await _unknown(there, forward):
                gone.append(each["id"])
    if not gone or any(isinstance(each, dict) and "title" in each and each.get("id") in gone for each in lines):
        return await forward(seen)
    answered = await forward(
        edited(seen, lambda offer: offer.update(id=f"{offer['id']}-x") if offer["id"] in gone else None)
    )
    return replace(answered, body=re.sub(rb'-x"', b'"', answered.body))


@wrong("WDR-002", "accepts a late publication after the withdrawal of an unknown offer")
async def publishes_after_unknown_withdrawals(seen: Seen, forward: Forward) -> Answer:
    if withdraws_one(seen) and await _unknown(seen, forward):
        seen.memory[f"unknown {seen.path}"] = True
    answered = await forward(seen)
    if seen.publishes and seen.memory.get(f"unknown {seen.path}") and "older-revision" in codes(answered.json):
        return await forward(seen.carrying({**seen.json, "revision": answered.json["current"]["revision"] + 1}))
    return answered


@on_answer("WDR-003", "publishes again by a batch what a marker remembers", "batch")
def reopens_by_batches(seen: Seen, answered: Answer) -> Changed:
    def above(offer: Document) -> None:
        offer["revision"] += 1_000

    return edited(seen, above) if b'"withdrawn-' in answered.body else None


@on_request("WDR-004", "accepts a withdrawn offer again by PUT, and not by a batch")
def reopens_by_put_only(seen: Seen) -> Changed:
    gone = seen.memory.setdefault("withdrawn", set())
    if withdraws_one(seen):
        gone.add(seen.path.removeprefix(OFFERS))

    def lower(offer: Document) -> None:
        if offer["id"] in gone and "title" in offer:
            offer["revision"] = 1

    return edited(seen, lower, "batch", "snapshot")


@wrong("WDR-004", "accepts a withdrawn offer again, and does not show it")
async def hides_reopened_offers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if withdrawn_one(seen, answered):
        seen.memory.setdefault("withdrawn", set()).add(answered.json["id"])
    body = answered.json
    if seen.method != "GET" or answered.status != 200 or not isinstance(body, dict):
        return answered
    gone = seen.memory.get("withdrawn", set())
    for name in ("offers", "changes"):
        if isinstance(body.get(name), list):
            body = {
                **body,
                name: [each for each in body[name] if each.get("op") == "removal" or each.get("id") not in gone],
            }
    return refusal([], "not-found", 404) if body.get("id") in gone and "offer" in body else answered.saying(body)


@wrong("WDR-006", "withdraws as absent what was updated after the mark")
async def withdraws_updates_after_the_mark(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    since, lost = seen.memory.setdefault("since", set()), seen.memory.setdefault("lost", {})
    if seen.path == "/v1/snapshots/marks":
        since.clear()
    elif seen.publishes and (answered.json or {}).get("verdict") == "accepted":
        since.add(answered.json["id"])
        lost.pop(answered.json["id"], None)
    elif way_in(seen) == "snapshot" and answered.status in {200, 202}:
        present = {str((each or {}).get("id")) for each in map(value_of, seen.body.split(b"\n"))}
        lost.update(
            {each: {"op": "removal", "id": each, "sequence": 2**52, "reason": "absent"} for each in since - present}
        )
    elif seen.method == "GET" and answered.status == 200 and seen.path.removeprefix(OFFERS) in lost:
        return refusal([], "offer-withdrawn", 410, marker=lost[seen.path.removeprefix(OFFERS)])
    elif seen.path == "/v1/changes" and answered.status == 200:
        changes = [lost.get(each["id"], each) for each in answered.json["changes"]]
        return answered.saying({**answered.json, "changes": changes})
    return answered


@on_answer("WDR-006", "withdraws as absent what was withdrawn by its publisher meanwhile")
def takes_withdrawn_for_absent(seen: Seen, answered: Answer) -> Changed:
    if way_in(seen) == "snapshot" and answered.status in {200, 202}:
        seen.memory["snapshot"] = True
    if not seen.memory.get("snapshot") or answered.status != 410:
        return None
    return answered.saying({**answered.json, "marker": {**answered.json["marker"], "reason": "absent"}})


@on_answer("WDR-007", "lifts a moderation by the publisher's withdrawal")
def lifts_by_withdrawal(seen: Seen, answered: Answer) -> Changed:
    if withdraws_one(seen) and answered.status in {200, 202}:
        seen.memory[f"lifted {seen.path}"] = True
    lifted = seen.publishes and "moderated" in codes(answered.json) and seen.memory.get(f"lifted {seen.path}")
    return _accepted(answered) if lifted else None


@on_answer("WDR-007", "refuses a moderated offer that comes alone, and accepts it in a batch", "batch|snapshot")
def accepts_moderated_lines(_: Seen, answered: Answer) -> Changed:
    if b'"moderated"' not in answered.body:
        return None
    body = answered.json
    results = [
        {**each, "status": "accepted", "problems": []} if each["status"] == "rejected" else each
        for each in body["results"]
    ]
    return answered.saying({**body, "results": results, "statuses": body["statuses"].replace("j", "a"), "rules": {}})


@wrong("WDR-007", "keeps an offer out after its moderation is lifted")
async def never_lifts(seen: Seen, forward: Forward) -> Answer:
    if seen.path.endswith("/moderation") and (seen.json or {}).get("action") == "moderate":
        seen.memory[f"moderated {seen.path.removesuffix('/moderation')}"] = True
    answered = await forward(seen)
    if seen.publishes and seen.memory.get(f"moderated {seen.path}") and answered.status in {200, 201}:
        return json_answer(409, {**answered.json, "verdict": "rejected", "problems": [problem("moderated", "WDR-007")]})
    return answered


@on_answer("WDR-007", "lifts a moderation by a higher revision", "offer +moderated")
def lifts_by_revision(seen: Seen, answered: Answer) -> Changed:
    return _accepted(answered) if seen.json["revision"] > answered.json["current"]["revision"] else None


register("withdrawals")
