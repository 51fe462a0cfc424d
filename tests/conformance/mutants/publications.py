"""Wrong gateways: decisions and refusals of one publication or withdrawal (PUB-001 to PUB-003)."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import decided, stores_one
from tests.conformance.mutants.ways import refusal
from tests.conformance.mutants.when import Changed, on_answer, on_request

register("publications")


@on_request("PUB-001", "waits ten seconds at most, and refuses a longer wait", "one #Prefer")
def refuses_long_waits(seen: Seen) -> Changed:
    asked = re.search(r"wait=(\d+)", seen.headers["Prefer"])
    return refusal([], "bad-request", 400) if asked and 10 < int(asked[1]) <= 30 else None


@on_request("PUB-002", "takes the revision of a withdrawal from its content", "DELETE !?revision document")
def reads_withdrawals_from_content(seen: Seen) -> Changed:
    asked = seen.asking(revision=str(seen.json.get("revision")))
    return replace(asked, body=b"").bearing(content_type=None)


@on_request("PUB-002", "withdraws at a revision that is no whole number above 0", "DELETE ?revision")
def withdraws_at_any_revision(seen: Seen) -> Changed:
    number = seen.query["revision"]
    digits = re.sub("[^0-9].*", "", number.strip().lstrip("+-0"))
    return None if re.fullmatch("[1-9][0-9]*", number) else seen.asking(revision=digits or "1")


@on_answer("PUB-003", "gives a receipt to what it refuses", "one 422 object")
def gives_receipts_to_refusals(_: Seen, answered: Answer) -> Changed:
    receipt = f"r{'A' * 38}"
    headers = {**answered.headers, "Location": f"/v1/receipts/{receipt}"}
    return replace(answered, headers=headers).saying({**answered.json, "receipt": receipt, "verdict": "rejected"})


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


@on_answer("PUB-003", "remembers the revision of what it refuses", "offer")
def remembers_refused_revisions(seen: Seen, answered: Answer) -> Changed:
    document = seen.json if isinstance(seen.json, dict) else {}
    key = f"refused {seen.path} {document.get('revision')}"
    if answered.status == 422 and stores_one(seen):
        seen.memory[key] = True
    problems = [{"code": "revision-reused"}]
    body = {**(answered.json or {}), "verdict": "rejected", "problems": problems}
    return json_answer(409, body) if decided(answered) and seen.memory.get(key) else None


@on_answer("PUB-003", "lists what it refuses among the receipts")
def lists_refusals_among_receipts(seen: Seen, answered: Answer) -> Changed:
    refused, document = seen.memory.setdefault("refused", []), seen.json if isinstance(seen.json, dict) else {}
    if stores_one(seen) and seen.publishes and answered.status == 422 and "id" in document:
        entry = {"receipt": f"r{'B' * 38}", "id": document["id"], "verdict": "rejected"}
        refused.append({**entry, "problems": answered.json["problems"]})
    if seen.path != "/v1/receipts" or answered.status != 200:
        return None
    more = [each for each in refused if seen.query.get("id") in (None, each["id"])]
    return answered.saying({**answered.json, "receipts": [*answered.json["receipts"], *more]})
