"""Gateways that decide wrongly: order, withdrawal, receipts, repeated requests."""

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.ways import codes
from tests.conformance.mutants.when import Changed, on_answer, on_request

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


@on_request("publish/other-id-in-address", "trusts the id in the address over the one in the content", "offer document")
def trusts_the_id_in_the_address(seen: Seen) -> Changed:
    there, own = seen.path.removeprefix("/v1/offers/"), str(seen.json.get("id"))
    other = ":" in own and "%" not in there and ":" in there and own != there
    return seen.carrying({**seen.json, "id": there}) if other else None


@wrong("order/lower-is-stale", "treats the last arrival as the newest")
async def accepts_the_last_arrival(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if _stale(seen, answered) and not seen.memory.get(f"withdrawn {seen.path}"):
        return await forward(_above(seen, answered))
    if seen.method == "DELETE":
        seen.memory[f"withdrawn {seen.path}"] = True
    return answered


@on_answer("order/same-again", "relays a duplicate as a new change", "offer 200 =duplicate")
def relays_twice(seen: Seen, answered: Answer) -> Changed:
    return seen.carrying({**seen.json, "revision": answered.json["revision"] + _FAR})


@on_answer("order/other-content", "accepts other content under the same revision", "offer 409")
def accepts_other_content(seen: Seen, answered: Answer) -> Changed:
    again = seen.carrying({**seen.json, "revision": seen.json["revision"] + 1})
    return again if codes(answered.json) == {"revision-reused"} else None


@on_answer("order/keys-in-another-order", "compares bytes, not content", "offer 200|201")
def compares_bytes(seen: Seen, answered: Answer) -> Changed:
    other = seen.memory.setdefault(seen.path, seen.body) != seen.body
    again = other and (answered.json or {}).get("verdict") == "duplicate"
    return json_answer(409, {**answered.json, "verdict": "rejected"}) if again else None


@on_answer("order/sequence-grows", "numbers changes by revision", "offer object")
def numbers_by_revision(_: Seen, answered: Answer) -> Changed:
    body = answered.json
    return answered.saying({**body, "sequence": body["revision"]}) if "sequence" in body else None


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


@on_request("repeat/same-answer", "ignores Idempotency-Key")
def ignores_the_key(seen: Seen) -> Changed:
    key = seen.headers.get("Idempotency-Key", "")
    return seen.bearing(idempotency_key=None) if key and " " not in key and len(key) < 129 else None


@on_answer("repeat/other-content", "replays an answer to other content", "#Idempotency-Key")
def replays_to_other_content(seen: Seen, answered: Answer) -> Changed:
    name = f"answer {seen.headers['Idempotency-Key']} {seen.path} {sorted(seen.query.items())}"
    if answered.status == 202:
        seen.memory[name] = answered
    reused = answered.status == 422 and (answered.json or {}).get("code") == "idempotency-reused"
    replayed: Answer | None = seen.memory.get(name) if reused else None
    return replayed


def _stale(seen: Seen, answered: Answer) -> bool:
    """Whether a publication was answered as stale."""
    return seen.publishes and answered.status == 409 and answered.json.get("verdict") == "stale"


def _above(seen: Seen, answered: Answer) -> Seen:
    """The publication under a revision above the current one."""
    return seen.carrying({**seen.json, "revision": answered.json["current"]["revision"] + _FAR})


register("publishing")
