"""Gateways whose receipts are wrong: what they tell, to whom, and how their list is filtered and ordered."""

from collections.abc import Callable
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.views import asker, keep, problem
from tests.conformance.mutants.when import Changed, on_answer

_LIST = "/v1/receipts"


def _unwaited(seen: Seen, answered: Answer) -> bool:
    """Whether the receipt that is read is of what was not waited for; notes those of this answer."""
    if seen.publishes and answered.status == 202 and isinstance(answered.json, dict):
        seen.memory[str(answered.json.get("receipt"))] = True
    return reads_one(seen) and seen.path.rpartition("/")[2] in seen.memory


def _issued(seen: Seen, answered: Answer) -> bool:
    """Whether the receipt that is read was in an answer before; notes those of this one."""
    issued = seen.memory.setdefault("issued", set())
    if isinstance(answered.json, dict) and "receipt" in answered.json:
        issued.add(answered.json["receipt"])
    return seen.path.rpartition("/")[2] in issued


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


@on_answer("RCP-001", "forgets the warnings of what it accepted", "GET")
def forgets_warnings(seen: Seen, answered: Answer) -> Changed:
    return each_receipt(
        seen, answered, lambda each: {**each, "problems": []} if each["verdict"] == "accepted" else each
    )


@on_answer("RCP-001", "writes no receipt for a duplicate: it names the first one again", "offer object")
def names_the_first_receipt_again(seen: Seen, answered: Answer) -> Changed:
    body = answered.json
    if body.get("verdict") == "accepted":
        seen.memory[seen.path] = body["receipt"]
    again = body.get("verdict") == "duplicate" and seen.path in seen.memory
    return answered.saying({**body, "receipt": seen.memory[seen.path]}) if again else None


@on_answer("RCP-001", "lists every receipt twice", "GET /v1/receipts 200")
def lists_receipts_twice(_: Seen, answered: Answer) -> Changed:
    return answered.saying(
        {**answered.json, "receipts": [each for each in answered.json["receipts"] for _ in range(2)]}
    )


@on_answer("RCP-001", "gives the items of a batch one receipt", "/v1/offers/batch object")
def gives_batches_one_receipt(_: Seen, answered: Answer) -> Changed:
    found = answered.json.get("results") or ()
    first = next((each["receipt"] for each in found if "receipt" in each), None)
    results = [{**each, "receipt": first} if "receipt" in each else each for each in found]
    return answered.saying({**answered.json, "results": results}) if results else None


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


@on_answer("RCP-002", "answers 400 to a forged receipt id, 404 to another's")
def tells_forged_receipts(seen: Seen, answered: Answer) -> Changed:
    forged = not _issued(seen, answered) and reads_one(seen) and answered.status == 404
    return problem(400, "receipt-forged") if forged else None


@on_answer("RCP-002", "answers 403 to another's receipt")
def tells_others_receipts(seen: Seen, answered: Answer) -> Changed:
    others = _issued(seen, answered) and reads_one(seen) and answered.status == 404
    return problem(403, "not-owner") if others else None


@on_answer("RCP-002", "reads a forged receipt id as one that is not decided yet", "GET /v1/receipts/* 404")
def reads_forged_receipts_as_pending(seen: Seen, _: Answer) -> Changed:
    return json_answer(200, {"receipt": seen.path.rpartition("/")[2], "verdict": "pending"})


@on_answer("RCP-005", "knows no receipt of what was not waited for")
def knows_no_pending_receipts(seen: Seen, answered: Answer) -> Changed:
    return problem(404, "not-found") if _unwaited(seen, answered) else None


@on_answer("RCP-005", "reads a receipt as pending without end where the decision was not waited for")
def stays_pending(seen: Seen, answered: Answer) -> Changed:
    pending = {"receipt": seen.path.rpartition("/")[2], "verdict": "pending"}
    return answered.saying(pending) if _unwaited(seen, answered) and answered.status == 200 else None


register("receipts")
