"""Wrong gateways, second round: identity, order, withdrawal, publishing, keys (IDN, REV, WDR, PUB)."""

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import (
    OFFERS,
    answers_items,
    code_of,
    decided,
    is_snapshot,
    lines_of,
    set_of,
    value_of,
    withdrawn_one,
)
from tests.conformance.mutants.ways import edited, problem, refusal, way_in

_KEY = "Idempotency-Key"

register("submissions")


@wrong("IDN-005", "takes an id of the content in other letters for that of the address")
async def compares_ids_loosely(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    if seen.publishes and isinstance(document, dict) and isinstance(document.get("id"), str):
        there = seen.path.removeprefix(OFFERS)
        if document["id"] != there and document["id"].lower() == there.lower():
            return await forward(seen.carrying({**document, "id": there}))
    return await forward(seen)


@wrong("REV-006", "takes the first line of each offer of a batch, and drops the others")
async def keeps_the_first_of_a_batch(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if not answers_items(seen, answered, "batch") or answered.status != 200:
        return answered
    ids = [each.get("id") for each in answered.json["results"]]
    results = [
        {**each, "status": "duplicate"} if each.get("id") in ids[:index] else each
        for index, each in enumerate(answered.json["results"])
    ]
    return answered.saying({**answered.json, "results": results})


@wrong("REV-007", "gives all offers of a batch the sequence of the first one")
async def numbers_batches_once(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and decided(answered):
        first = seen.memory.setdefault(f"sequence {seen.path}", answered.json["sequence"])
        return answered.saying({**answered.json, "sequence": first})
    return answered


@wrong("WDR-004", "asks for a revision two above the withdrawal's")
async def asks_for_two_more(seen: Seen, forward: Forward) -> Answer:
    last = seen.memory.get(f"withdrawn {seen.path}")
    if seen.publishes and last and "dry_run" not in seen.query and seen.json.get("revision") == last + 1:
        return json_answer(409, {"verdict": "stale", "problems": [problem("older-revision", "REV-005")]})
    answered = await forward(seen)
    if withdrawn_one(seen, answered):
        seen.memory[f"withdrawn {seen.path}"] = answered.json["revision"]
    return answered


@wrong("WDR-007", "shows an offer again as soon as its moderation is lifted")
async def shows_lifted_offers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    shelf = seen.memory.setdefault("shelf", {})
    if seen.publishes and decided(answered):
        shelf[seen.path] = {"id": answered.json["id"], "sequence": answered.json["sequence"], "offer": seen.json}
    lifted = seen.memory.setdefault("lifted", set())
    if seen.path.endswith("/moderation") and (seen.json or {}).get("action") == "lift":
        lifted.add(seen.path.removesuffix("/moderation"))
    if seen.method == "GET" and answered.status in {404, 410} and seen.path in lifted and seen.path in shelf:
        return json_answer(200, shelf[seen.path])
    return answered


@wrong("WDR-010", "goes on listing withdrawn offers to their publisher")
async def lists_withdrawn_to_publishers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    gone = seen.memory.setdefault("gone", {})
    body = answered.json
    own = seen.memory.setdefault("own", {})
    if seen.publishes and decided(answered):
        own[answered.json["id"]] = {
            "id": answered.json["id"],
            "sequence": answered.json["sequence"],
            "offer": seen.json,
        }
    if withdrawn_one(seen, answered) and answered.json["id"] in own:
        gone[answered.json["id"]] = (own[answered.json["id"]], seen.headers.get("Authorization"))
    if seen.path == "/v1/offers" and seen.method == "GET" and answered.status == 200:
        back = [each for each, token in gone.values() if token == seen.headers.get("Authorization")]
        return answered.saying({**body, "offers": [*body["offers"], *back]}) if back else answered
    return answered


@wrong("WDR-010", "goes on listing withdrawn offers under a filter")
async def lists_withdrawn_under_filters(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    shelf, gone = seen.memory.setdefault("shelf", {}), seen.memory.setdefault("gone", set())
    if withdrawn_one(seen, answered):
        gone.add(answered.json["id"])
    if seen.path == "/v1/offers" and seen.method == "GET" and answered.status == 200:
        shelf.update({each["id"]: each for each in body["offers"]})
        if {"sector", "level", "week", "department", "region", "platform"} & set(seen.query):
            back = [each for name, each in shelf.items() if name in gone]
            return answered.saying({**body, "offers": [*body["offers"], *back]})
    return answered


@wrong("PUB-006", "remembers the content of a dry run under its revision")
async def remembers_dry_runs(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    document = seen.json if isinstance(seen.json, dict) else {}
    key = f"dry {document.get('id')} {document.get('revision')}"
    if seen.publishes and "dry_run" in seen.query and answered.status == 200:
        seen.memory.setdefault(key, seen.body)
    elif seen.publishes and decided(answered) and seen.memory.get(key, seen.body) != seen.body:
        body = {**answered.json, "verdict": "rejected", "problems": [problem("revision-reused", "REV-004")]}
        return json_answer(409, body)
    return answered


@wrong("PUB-011", "takes partial=false for partial")
async def takes_any_partial(seen: Seen, forward: Forward) -> Answer:
    return await forward(seen.asking(partial="true") if seen.query.get("partial") == "false" else seen)


@wrong("PUB-014", "refuses blanks before and behind an item")
async def refuses_blanks_around_lines(seen: Seen, forward: Forward) -> Answer:
    if way_in(seen) == "batch" and any(line.strip() != line for line in lines_of(seen)) and seen.body[:1] != b"[":
        return refusal([], "batch-refused", 422)
    return await forward(seen)


@wrong("PUB-024", "applies a snapshot that ends within a line")
async def applies_sets_cut_within_a_line(seen: Seen, forward: Forward) -> Answer:
    lines = lines_of(seen)
    cut = is_snapshot(seen) and lines and value_of(lines[-1]) is None and "Content-Encoding" not in seen.headers
    return await forward(set_of(seen, lines[:-1]) if cut and len(lines) > 1 else seen)


@wrong("PUB-026", "compares the ids of valid lines only")
async def compares_ids_of_valid_lines(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if is_snapshot(seen) and code_of(answered) == "snapshot-duplicate-id" and b'"s99"' in seen.body:
        offers = [line for line in lines_of(seen) if not line.lstrip().startswith(b'{"count"')]
        kept = {
            (value_of(line) or {}).get("id"): line for line in sorted(offers, key=lambda each: b'"s99"' in each)[::-1]
        }
        return await forward(set_of(seen, list(kept.values())))
    return answered


@wrong("PUB-041", "takes keys for the same that differ in capitals")
async def lowers_keys(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get(_KEY)
    return await forward(seen.bearing(idempotency_key=key.lower()) if key else seen)


@wrong("PUB-041", "compares the first 32 characters of a key")
async def cuts_keys(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get(_KEY)
    return await forward(seen.bearing(idempotency_key=key[:32]) if key and len(key) <= 128 else seen)


@wrong("PUB-043", "compares the length of the content only")
async def compares_lengths(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get(_KEY)
    answered = await forward(seen)
    if key and answered.status == 202:
        seen.memory.setdefault(f"length {key} {seen.path}", (len(seen.body), answered))
    known = seen.memory.get(f"length {key} {seen.path}")
    if code_of(answered) == "idempotency-reused" and known and known[0] == len(seen.body):
        replayed: Answer = known[1]
        return replayed
    return answered


@wrong("REV-002", "takes lists in another order for the same content in a batch")
async def sorts_lists_of_lines(seen: Seen, forward: Forward) -> Answer:
    def ordered(offer: Document) -> None:
        offer["weeks"] = sorted(offer["weeks"])

    return await forward(edited(seen, ordered, "offer", "batch"))
