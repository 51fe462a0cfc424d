"""Gateways whose receipts are wrong: what they tell, to whom, and how their list is filtered and ordered."""

from collections.abc import Callable
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, keep, problem

_LIST = "/v1/receipts"


def reads_one(seen: Seen) -> bool:
    """Whether one receipt is read."""
    return seen.method == "GET" and seen.path.startswith(f"{_LIST}/")


def listed(seen: Seen, answered: Answer) -> Any:
    """A page of the list of receipts, None for another answer."""
    return answered.json if seen.method == "GET" and seen.path == _LIST and answered.status == 200 else None


def each_receipt(seen: Seen, answered: Answer, change: Callable[[Any], Any]) -> Answer:
    """Every receipt in an answer changed: in the list, read by itself, or as the answer to a publication."""
    page = listed(seen, answered)
    if page is not None:
        return answered.saying({**page, "receipts": [change(each) for each in page["receipts"]]})
    body = answered.json
    decided = isinstance(body, dict) and "receipt" in body and body.get("verdict") not in {None, "pending"}
    return answered.saying(change(body)) if decided else answered


def without(*names: str) -> Callable[[Any], Any]:
    """A receipt without these members."""
    return lambda receipt: {name: value for name, value in receipt.items() if name not in names}


@wrong("RCP-001", "forgets the warnings of what it accepted")
async def forgets_warnings(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method != "GET":
        return answered
    return each_receipt(
        seen, answered, lambda each: {**each, "problems": []} if each["verdict"] == "accepted" else each
    )


@wrong("RCP-001", "writes no receipt for a duplicate: it names the first one again")
async def names_the_first_receipt_again(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if not seen.publishes or not isinstance(body, dict):
        return answered
    if body.get("verdict") == "accepted":
        seen.memory[seen.path] = body["receipt"]
    again = body.get("verdict") == "duplicate" and seen.path in seen.memory
    return answered.saying({**body, "receipt": seen.memory[seen.path]}) if again else answered


@wrong("RCP-001", "lists every receipt twice")
async def lists_receipts_twice(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    page = listed(seen, answered)
    if page is None:
        return answered
    return answered.saying({**page, "receipts": [each for each in page["receipts"] for _ in range(2)]})


@wrong("RCP-001", "gives the items of a batch one receipt")
async def gives_batches_one_receipt(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.path != "/v1/offers/batch" or not isinstance(body, dict) or not body.get("results"):
        return answered
    first = next((each["receipt"] for each in body["results"] if "receipt" in each), None)
    results = [{**each, "receipt": first} if "receipt" in each else each for each in body["results"]]
    return answered.saying({**body, "results": results})


def list_without(seen: Seen, answered: Answer, left_out: Callable[[Any], bool]) -> Answer:
    """The list without these receipts."""
    page = listed(seen, answered)
    if page is None:
        return answered
    return answered.saying({**page, "receipts": [each for each in page["receipts"] if not left_out(each)]})


@wrong("RCP-002", "lists the receipts of all publishers")
async def lists_receipts_of_all(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    answered = await forward(seen)
    page = listed(seen, answered)
    if page is None or "cursor" in seen.query:
        return answered
    receipts = page["receipts"]
    for name, token in seen.memory["tokens"].items():
        if name in {"bretagne", "normandie"} and name != asker(seen):
            other = await forward(seen.bearing(authorization=token))
            receipts = [*receipts, *(other.json["receipts"] if other.status == 200 else ())]
    return answered.saying({**page, "receipts": receipts})


@wrong("RCP-002", "lists the receipts of an offer or a batch to anyone who names it")
async def lists_receipts_of_what_is_named(seen: Seen, forward: Forward) -> Answer:
    keep(seen)
    answered = await forward(seen)
    page = listed(seen, answered)
    if page is None or page["receipts"] or not seen.query.keys() & {"id", "batch", "snapshot"}:
        return answered
    for token in seen.memory["tokens"].values():
        other = await forward(seen.bearing(authorization=token))
        if other.status == 200 and other.json["receipts"]:
            return other
    return answered


@wrong("RCP-002", "answers 400 to a forged receipt id, 404 to another's")
async def tells_forged_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    issued = seen.memory.setdefault("issued", set())
    if isinstance(answered.json, dict) and "receipt" in answered.json:
        issued.add(answered.json["receipt"])
    forged = reads_one(seen) and answered.status == 404 and seen.path.rpartition("/")[2] not in issued
    return problem(400, "receipt-forged") if forged else answered


@wrong("RCP-002", "answers 403 to another's receipt")
async def tells_others_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    issued = seen.memory.setdefault("issued", set())
    if isinstance(answered.json, dict) and "receipt" in answered.json:
        issued.add(answered.json["receipt"])
    others = reads_one(seen) and answered.status == 404 and seen.path.rpartition("/")[2] in issued
    return problem(403, "not-owner") if others else answered


@wrong("RCP-002", "reads a forged receipt id as one that is not decided yet")
async def reads_forged_receipts_as_pending(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if reads_one(seen) and answered.status == 404:
        return json_answer(200, {"receipt": seen.path.rpartition("/")[2], "verdict": "pending"})
    return answered


@wrong("RCP-005", "knows no receipt of what was not waited for")
async def knows_no_pending_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 202 and isinstance(body, dict):
        seen.memory[str(body.get("receipt"))] = True
    unknown = reads_one(seen) and seen.path.rpartition("/")[2] in seen.memory
    return problem(404, "not-found") if unknown else answered


@wrong("RCP-005", "reads a receipt as pending without end where the decision was not waited for")
async def stays_pending(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    if seen.publishes and answered.status == 202 and isinstance(body, dict):
        seen.memory[str(body.get("receipt"))] = True
    name = seen.path.rpartition("/")[2]
    if reads_one(seen) and seen.memory.get(name) and answered.status == 200:
        return answered.saying({"receipt": name, "verdict": "pending"})
    return answered


register("receipts")
