"""Wrong gateways, second round: identity, order, withdrawal, publishing, keys (IDN, REV, WDR, PUB)."""

from tests.conformance.mutants.edits import Document
from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import (
    OFFERS,
    code_of,
    decided,
    lines_of,
    offers_of,
    set_of,
    value_of,
    withdrawn_one,
)
from tests.conformance.mutants.ways import edited, problem, refusal
from tests.conformance.mutants.when import Changed, on_answer, on_request

_KEY = "Idempotency-Key"

register("submissions")


@on_request("IDN-005", "takes an id of the content in other letters for that of the address", "offer document")
def compares_ids_loosely(seen: Seen) -> Changed:
    there, own = seen.path.removeprefix(OFFERS), str(seen.json.get("id"))
    return seen.carrying({**seen.json, "id": there}) if own != there and own.lower() == there.lower() else None


@on_answer("REV-006", "takes the first line of each offer of a batch, and drops the others", "batch items 200")
def keeps_the_first_of_a_batch(_: Seen, answered: Answer) -> Changed:
    ids = [each.get("id") for each in answered.json["results"]]
    results = [
        {**each, "status": "duplicate"} if each.get("id") in ids[:index] else each
        for index, each in enumerate(answered.json["results"])
    ]
    return answered.saying({**answered.json, "results": results})


@on_answer("REV-007", "gives all offers of a batch the sequence of the first one", "offer decided")
def numbers_batches_once(seen: Seen, answered: Answer) -> Changed:
    first = seen.memory.setdefault(f"sequence {seen.path}", answered.json["sequence"])
    return answered.saying({**answered.json, "sequence": first})


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


@on_request("PUB-014", "refuses blanks before and behind an item", "batch")
def refuses_blanks_around_lines(seen: Seen) -> Changed:
    blanks = any(line.strip() != line for line in lines_of(seen)) and seen.body[:1] != b"["
    return refusal([], "batch-refused", 422) if blanks else None


@on_request("PUB-024", "applies a snapshot that ends within a line", "snapshot !#Content-Encoding")
def applies_sets_cut_within_a_line(seen: Seen) -> Changed:
    lines = lines_of(seen)
    return set_of(seen, lines[:-1]) if len(lines) > 1 and value_of(lines[-1]) is None else None


@on_answer("PUB-026", "compares the ids of valid lines only", "snapshot @snapshot-duplicate-id")
def compares_ids_of_valid_lines(seen: Seen, _: Answer) -> Changed:
    offers = sorted(offers_of(seen), key=lambda each: b'"s99"' in each)[::-1]
    kept = {(value_of(line) or {}).get("id"): line for line in offers}
    return set_of(seen, list(kept.values())) if b'"s99"' in seen.body else None


@on_request("PUB-041", "takes keys for the same that differ in capitals", "#Idempotency-Key")
def lowers_keys(seen: Seen) -> Changed:
    return seen.bearing(idempotency_key=seen.headers[_KEY].lower())


@on_request("PUB-041", "compares the first 32 characters of a key", "#Idempotency-Key")
def cuts_keys(seen: Seen) -> Changed:
    key = seen.headers[_KEY]
    return seen.bearing(idempotency_key=key[:32]) if len(key) <= 128 else None


@on_answer("PUB-043", "compares the length of the content only", "#Idempotency-Key")
def compares_lengths(seen: Seen, answered: Answer) -> Changed:
    name = f"length {seen.headers[_KEY]} {seen.path} {len(seen.body)}"
    if answered.status == 202:
        seen.memory.setdefault(name, answered)
    replayed: Answer | None = seen.memory.get(name) if code_of(answered) == "idempotency-reused" else None
    return replayed


@wrong("REV-002", "takes lists in another order for the same content in a batch")
async def sorts_lists_of_lines(seen: Seen, forward: Forward) -> Answer:
    def ordered(offer: Document) -> None:
        offer["weeks"] = sorted(offer["weeks"])

    return await forward(edited(seen, ordered, "offer", "batch"))
