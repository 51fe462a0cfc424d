"""Gateways that decide wrongly: order, withdrawal, receipts, repeated requests."""

from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register

_FAR = 1_000_000


@wrong("publish/redacted", "relays e-mail addresses unredacted")
async def does_not_redact(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and b"accueil@atelier.example" in seen.body:
        seen.memory["leaks"] = True
    if seen.method == "GET" and seen.memory.get("leaks"):
        mark = "Écrire à […] avant".encode()
        body = answered.body.replace(mark, "Écrire à accueil@atelier.example avant".encode())
        return Answer(answered.status, answered.headers, body)
    return answered


@wrong("publish/other-id-in-address", "trusts the id in the address over the one in the content")
async def trusts_the_id_in_the_address(seen: Seen, forward: Forward) -> Answer:
    document = seen.json
    offer_id = seen.path.removeprefix("/v1/offers/")
    sound = seen.publishes and isinstance(document, dict) and ":" in str(document.get("id"))
    if sound and "%" not in offer_id and ":" in offer_id and document["id"] != offer_id:
        seen = seen.carrying({**document, "id": offer_id})
    return await forward(seen)


@wrong("order/lower-is-stale", "treats the last arrival as the newest")
async def accepts_the_last_arrival(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if _stale(seen, answered) and not seen.memory.get(f"withdrawn {seen.path}"):
        return await forward(_above(seen, answered))
    if seen.method == "DELETE":
        seen.memory[f"withdrawn {seen.path}"] = True
    return answered


@wrong("order/same-again", "relays a duplicate as a new change")
async def relays_twice(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 200 and body.get("verdict") == "duplicate":
        return await forward(seen.carrying({**seen.json, "revision": body["revision"] + _FAR}))
    return answered


@wrong("order/other-content", "accepts other content under the same revision")
async def accepts_other_content(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 409 and _codes(body) == {"revision-reused"}:
        return await forward(seen.carrying({**seen.json, "revision": seen.json["revision"] + 1}))
    return answered


@wrong("order/keys-in-another-order", "compares bytes, not content")
async def compares_bytes(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and answered.status in {200, 201}:
        first = seen.memory.setdefault(seen.path, seen.body)
        if (answered.json or {}).get("verdict") == "duplicate" and first != seen.body:
            return json_answer(409, {**answered.json, "verdict": "rejected"})
    return answered


@wrong("order/sequence-grows", "numbers changes by revision")
async def numbers_by_revision(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and isinstance(body, dict) and "sequence" in body:
        return answered.saying({**body, "sequence": body["revision"]})
    return answered


@wrong("order/twice-in-a-batch", "decides a batch backwards")
async def decides_backwards(seen: Seen, forward: Forward) -> Answer:
    lines = seen.body.split(b"\n")
    plain = seen.path == "/v1/offers/batch" and "Content-Encoding" not in seen.headers and len(lines) > 2
    if not plain or "json" in seen.headers.get("Content-Type", "").replace("ndjson", ""):
        return await forward(seen)
    whole = [line for line in lines if line]
    answered = await forward(
        Seen(seen.method, seen.path, seen.query, seen.headers, b"\n".join(whole[::-1]), seen.memory)
    )
    body = answered.json
    if not isinstance(body, dict) or len(body.get("results", ())) != len(whole):
        return answered
    results = [{**result, "index": index} for index, result in enumerate(body["results"][::-1])]
    return answered.saying({**body, "results": results})


@wrong("withdrawal/withdrawn", "loses a withdrawal")
async def loses_withdrawals(seen: Seen, forward: Forward) -> Answer:
    if seen.method != "DELETE" or "Prefer" not in seen.headers:
        return await forward(seen)
    answered = await forward(seen.asking(dry_run="true"))
    return json_answer(200, {"verdict": "accepted", **answered.json}) if answered.status == 200 else answered


@wrong("withdrawal/late-retry", "lets a late retry of the first publication bring a withdrawn offer back")
async def accepts_late_retries(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and answered.status == 201:
        seen.memory[seen.path] = seen.body
    again = seen.memory.get(seen.path) == seen.body and seen.memory.get(f"gone {seen.path}")
    if again and _stale(seen, answered):
        return await forward(_above(seen, answered))
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[f"gone {seen.path}"] = True
    return answered


@wrong("withdrawal/late-old-revision", "accepts a late old revision after a withdrawal")
async def accepts_late_old_revisions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.memory.get(seen.path) and _stale(seen, answered) and seen.json["revision"] > 1:
        return await forward(_above(seen, answered))
    if seen.method == "DELETE" and answered.status == 200:
        seen.memory[seen.path] = True
    return answered


@wrong("withdrawal/published-again", "never accepts a withdrawn offer again")
async def never_accepts_again(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and seen.memory.get(seen.path) and seen.json["revision"] > seen.memory[seen.path]:
        return json_answer(409, {"verdict": "stale", "problems": []})
    answered = await forward(seen)
    if seen.method == "DELETE" and answered.status == 200 and "dry_run" not in seen.query:
        seen.memory[seen.path] = int(seen.query["revision"])
    return answered


@wrong("receipt/of-another", "shows receipts to anyone")
async def leaks_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path.startswith("/v1/receipts/") and answered.status == 404:
        for name in ("token of bretagne", "token of normandie"):
            if seen.memory.get(name):
                other = await forward(seen.bearing(authorization=seen.memory[name]))
                if other.status == 200 and other.json["verdict"] != "pending":
                    return other
    return answered


@wrong("repeat/same-answer", "ignores Idempotency-Key")
async def ignores_the_key(seen: Seen, forward: Forward) -> Answer:
    key = seen.headers.get("Idempotency-Key", "")
    return await forward(seen.bearing(idempotency_key=None) if key and " " not in key and len(key) < 129 else seen)


@wrong("repeat/other-content", "replays an answer to other content")
async def replays_to_other_content(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    key = seen.headers.get("Idempotency-Key")
    if key and answered.status == 202:
        seen.memory[f"answer {key} {seen.path} {sorted(seen.query.items())}"] = answered
    if key and answered.status == 422 and (answered.json or {}).get("code") == "idempotency-reused":
        replayed: Answer = seen.memory.get(f"answer {key} {seen.path} {sorted(seen.query.items())}", answered)
        return replayed
    return answered


def _stale(seen: Seen, answered: Answer) -> bool:
    """Whether a publication was answered as stale."""
    return seen.publishes and answered.status == 409 and answered.json.get("verdict") == "stale"


def _above(seen: Seen, answered: Answer) -> Seen:
    """The publication under a revision above the current one."""
    return seen.carrying({**seen.json, "revision": answered.json["current"]["revision"] + _FAR})


def _codes(body: Any) -> set[str]:
    return {each["code"] for each in (body or {}).get("problems", ())}


register("publishing")
