"""Wrong gateways: what is queued, tried, traced and published about itself (PUB-004 to PUB-008)."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import OFFERS, stores_one, withdraws_one
from tests.conformance.mutants.ways import refusal, waits
from tests.conformance.mutants.when import Changed, on_answer

register("acknowledgements")


async def _lost(seen: Seen, forward: Forward, letter: str) -> Answer:
    """A dry run in place of what is to be stored, acknowledged with a receipt of this letter."""
    tried = await forward(seen.asking(dry_run="true"))
    receipt = f"r{letter * 38}"
    body = {"receipt": receipt, "verdict": "pending", "id": seen.path.removeprefix(OFFERS), "problems": []}
    answered = replace(json_answer(202, body), headers={"Location": f"/v1/receipts/{receipt}"})
    return answered if tried.status == 200 else tried


@on_answer("PUB-004", "names an address of the receipt where there is none", "one 202")
def names_a_wrong_address(_: Seen, answered: Answer) -> Changed:
    location = answered.headers.get("Location", "").replace("/v1/", "/")
    return replace(answered, headers={**answered.headers, "Location": location}) if location else None


@wrong("PUB-004", "acknowledges a publication that was not waited for, and loses it")
async def loses_unwaited_publications(seen: Seen, forward: Forward) -> Answer:
    loses = seen.publishes and stores_one(seen) and not waits(seen)
    return await _lost(seen, forward, "C") if loses else await forward(seen)


@wrong("PUB-004", "loses a withdrawal that was not waited for")
async def loses_unwaited_withdrawals(seen: Seen, forward: Forward) -> Answer:
    loses = withdraws_one(seen) and not waits(seen)
    return await _lost(seen, forward, "D") if loses else await forward(seen)


@on_answer("PUB-005", "answers a decision with the offer, not with its receipt", "one offer 200|201")
def answers_with_the_offer(seen: Seen, answered: Answer) -> Changed:
    return answered.saying({"id": answered.json["id"], "offer": seen.json, "verdict": answered.json["verdict"]})


@on_answer("PUB-005", "answers a refused decision with its problems alone", "one 409 object")
def answers_with_problems_alone(_: Seen, answered: Answer) -> Changed:
    has_receipt = "receipt" in answered.json
    return refusal(answered.json["problems"], "submission-refused", 409) if has_receipt else None
