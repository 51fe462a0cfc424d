"""Wrong gateways: decisions and refusals of one publication or withdrawal (PUB-001 to PUB-003)."""

import re
from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import stores_one
from tests.conformance.mutants.ways import refusal

register("publications")


def _verdict(answered: Answer) -> Any:
    return (answered.json or {}).get("verdict") if isinstance(answered.json, dict) else None


@wrong("PUB-001", "waits ten seconds at most, and refuses a longer wait")
async def refuses_long_waits(seen: Seen, forward: Forward) -> Answer:
    asked = re.search(r"wait=(\d+)", seen.headers.get("Prefer", ""))
    if asked and stores_one(seen) and 10 < int(asked[1]) <= 30:
        return refusal([], "bad-request", 400)
    return await forward(seen)


@wrong("PUB-002", "takes the revision of a withdrawal from its content")
async def reads_withdrawals_from_content(seen: Seen, forward: Forward) -> Answer:
    if seen.method == "DELETE" and "revision" not in seen.query and isinstance(seen.json, dict):
        return await forward(
            replace(seen.asking(revision=str(seen.json.get("revision"))), body=b"").bearing(content_type=None)
        )
    return await forward(seen)


@wrong("PUB-002", "withdraws at a revision that is no whole number above 0")
async def withdraws_at_any_revision(seen: Seen, forward: Forward) -> Answer:
    number = seen.query.get("revision", "1")
    if seen.method == "DELETE" and not re.fullmatch("[1-9][0-9]*", number):
        digits = re.sub("[^0-9].*", "", number.strip().lstrip("+-0"))
        return await forward(seen.asking(revision=digits or "1"))
    return await forward(seen)


@wrong("PUB-003", "gives a receipt to what it refuses")
async def gives_receipts_to_refusals(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if stores_one(seen) and answered.status == 422 and isinstance(answered.json, dict):
        receipt = f"r{'A' * 38}"
        headers = {**answered.headers, "Location": f"/v1/receipts/{receipt}"}
        return replace(answered, headers=headers).saying({**answered.json, "receipt": receipt, "verdict": "rejected"})
    return answered


@wrong("PUB-003", "withdraws an offer whose update it refuses")
async def withdraws_what_it_refuses(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    revision = seen.json.get("revision") if isinstance(seen.json, dict) else None
    if (
        seen.publishes
        and stores_one(seen)
        and answered.status == 422
        and isinstance(revision, int)
        and 0 < revision < 2**52
    ):
        gone = replace(seen, method="DELETE", query={"revision": str(revision)}, body=b"")
        await forward(gone.bearing(content_type=None, prefer="wait=5"))
    return answered


@wrong("PUB-003", "remembers the revision of what it refuses")
async def remembers_refused_revisions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    document = seen.json if isinstance(seen.json, dict) else {}
    key = f"refused {seen.path} {document.get('revision')}"
    if seen.publishes and answered.status == 422 and stores_one(seen):
        seen.memory[key] = True
    if seen.publishes and answered.status in {200, 201} and _verdict(answered) == "accepted" and seen.memory.get(key):
        return json_answer(409, {**answered.json, "verdict": "rejected", "problems": [{"code": "revision-reused"}]})
    return answered


@wrong("PUB-003", "lists what it refuses among the receipts")
async def lists_refusals_among_receipts(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if (
        stores_one(seen)
        and seen.publishes
        and answered.status == 422
        and isinstance(seen.json, dict)
        and "id" in seen.json
    ):
        entry = {
            "receipt": f"r{'B' * 38}",
            "id": seen.json["id"],
            "verdict": "rejected",
            "problems": answered.json["problems"],
        }
        seen.memory.setdefault("refused", []).append(entry)
    if seen.path == "/v1/receipts" and answered.status == 200:
        wanted = seen.query.get("id")
        more = [each for each in seen.memory.get("refused", ()) if wanted in (None, each["id"])]
        return answered.saying({**answered.json, "receipts": [*answered.json["receipts"], *more]})
    return answered
