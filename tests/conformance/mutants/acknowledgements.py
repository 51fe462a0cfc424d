"""Wrong gateways: what is queued, tried, traced and published about itself (PUB-004 to PUB-008)."""

from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import OFFERS, stores_one
from tests.conformance.mutants.ways import refusal, waits

register("acknowledgements")


@wrong("PUB-004", "names an address of the receipt where there is none")
async def names_a_wrong_address(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answered.status == 202 and stores_one(seen) and "Location" in answered.headers:
        return replace(
            answered, headers={**answered.headers, "Location": answered.headers["Location"].replace("/v1/", "/")}
        )
    return answered


@wrong("PUB-004", "acknowledges a publication that was not waited for, and loses it")
async def loses_unwaited_publications(seen: Seen, forward: Forward) -> Answer:
    if not seen.publishes or waits(seen) or not stores_one(seen):
        return await forward(seen)
    tried = await forward(seen.asking(dry_run="true"))
    if tried.status != 200:
        return tried
    receipt = f"r{'C' * 38}"
    body = {"receipt": receipt, "verdict": "pending", "id": tried.json["id"], "problems": []}
    return replace(json_answer(202, body), headers={"Location": f"/v1/receipts/{receipt}"})


@wrong("PUB-004", "loses a withdrawal that was not waited for")
async def loses_unwaited_withdrawals(seen: Seen, forward: Forward) -> Answer:
    if seen.method != "DELETE" or waits(seen) or not stores_one(seen):
        return await forward(seen)
    tried = await forward(seen.asking(dry_run="true"))
    receipt = f"r{'D' * 38}"
    body = {"receipt": receipt, "verdict": "pending", "id": seen.path.removeprefix(OFFERS), "problems": []}
    answered = replace(json_answer(202, body), headers={"Location": f"/v1/receipts/{receipt}"})
    return answered if tried.status == 200 else tried


@wrong("PUB-005", "answers a decision with the offer, not with its receipt")
async def answers_with_the_offer(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and answered.status in {200, 201} and stores_one(seen):
        return answered.saying({"id": answered.json["id"], "offer": seen.json, "verdict": answered.json["verdict"]})
    return answered


@wrong("PUB-005", "answers a refused decision with its problems alone")
async def answers_with_problems_alone(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if stores_one(seen) and answered.status == 409 and "receipt" in (answered.json or {}):
        return refusal(answered.json["problems"], "submission-refused", 409)
    return answered
