"""Wrong gateways: what is queued, tried, traced and published about itself (PUB-004 to PUB-008)."""

import re
from dataclasses import replace

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.uploads import OFFERS, stores_one
from tests.conformance.mutants.ways import refusal, waits, way_in

_WELL_KNOWN = "/.well-known/passerelle"


def _without_location(answered: Answer) -> Answer:
    return replace(answered, headers={name: each for name, each in answered.headers.items() if name != "Location"})


@wrong("PUB-004", "names no address of the receipt")
async def names_no_receipt_address(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _without_location(answered) if answered.status == 202 and stores_one(seen) else answered


@wrong("PUB-004", "names an address of the receipt where there is none")
async def names_a_wrong_address(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if answered.status == 202 and stores_one(seen) and "Location" in answered.headers:
        return replace(
            answered, headers={**answered.headers, "Location": answered.headers["Location"].replace("/v1/", "/")}
        )
    return answered


@wrong("PUB-004", "answers 200 to what it has not decided")
async def answers_200_to_pending(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return replace(answered, status=200) if answered.status == 202 and stores_one(seen) else answered


@wrong("PUB-004", "waits for the decision without being asked")
async def waits_unasked(seen: Seen, forward: Forward) -> Answer:
    return await forward(seen.bearing(prefer="wait=5") if stores_one(seen) and not waits(seen) else seen)


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


@wrong("PUB-005", "answers 408 when the decision does not come in time")
async def answers_408_to_late_decisions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    late = answered.status == 202 and waits(seen) and stores_one(seen)
    return refusal([], "upload-too-slow", 408) if late else answered


@wrong("PUB-005", "answers a decision with the offer, not with its receipt")
async def answers_with_the_offer(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.publishes and answered.status in {200, 201} and stores_one(seen):
        return answered.saying({"id": answered.json["id"], "offer": seen.json, "verdict": answered.json["verdict"]})
    return answered


@wrong("PUB-005", "answers a decision with a part of its receipt")
async def answers_with_half_a_receipt(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if stores_one(seen) and answered.status in {200, 201} and "verdict" in (answered.json or {}):
        kept = {"receipt", "id", "verdict", "revision", "problems"}
        return answered.saying({name: each for name, each in answered.json.items() if name in kept})
    return answered


@wrong("PUB-005", "answers a refused decision with its problems alone")
async def answers_with_problems_alone(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if stores_one(seen) and answered.status == 409 and "receipt" in (answered.json or {}):
        return refusal(answered.json["problems"], "submission-refused", 409)
    return answered


@wrong("PUB-005", "says wait=0 is malformed")
async def refuses_to_wait_for_nothing(seen: Seen, forward: Forward) -> Answer:
    if re.search(r"wait=0\b", seen.headers.get("Prefer", "")):
        return refusal([], "bad-request", 400)
    return await forward(seen)


@wrong("PUB-006", "answers 202 to a dry run")
async def answers_202_to_dry_runs(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return replace(answered, status=202) if "dry_run" in seen.query and answered.status == 200 else answered


@wrong("PUB-006", "answers 200 to a dry run of what it would refuse")
async def answers_200_to_refused_dry_runs(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return replace(answered, status=200) if "dry_run" in seen.query and answered.status == 422 else answered


@wrong("PUB-006", "stores the dry run of a batch")
async def stores_dry_batches(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way_in(seen) == "batch" and seen.query.get("dry_run") == "true" and answered.status == 200:
        await forward(seen.asking(dry_run=None).bearing(prefer="wait=5"))
    return answered


@wrong("PUB-006", "withdraws by a dry run")
async def withdraws_by_dry_runs(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.method == "DELETE" and seen.query.get("dry_run") == "true" and answered.status == 200:
        await forward(seen.asking(dry_run=None).bearing(prefer="wait=5"))
    return answered


@wrong("PUB-006", "queues the good lines of a batch that is tried with partial")
async def stores_partial_dry_batches(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way_in(seen) == "batch" and seen.query.get("dry_run") == "true" and b'"valid"' in answered.body:
        await forward(seen.asking(dry_run=None, partial="true").bearing(prefer="wait=5"))
    return answered


@wrong("PUB-006", "gives a receipt to a dry run")
async def gives_receipts_to_dry_runs(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if "dry_run" in seen.query and answered.status == 200 and "results" not in (answered.json or {}):
        return answered.saying({**answered.json, "receipt": f"r{'E' * 38}"})
    return answered


_TRACE = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@wrong("PUB-007", "refuses a publication with a malformed traceparent")
async def refuses_malformed_traces(seen: Seen, forward: Forward) -> Answer:
    trace = next((each for name, each in seen.headers.items() if name.lower() == "traceparent"), None)
    return (
        refusal([], "bad-request", 400)
        if trace and stores_one(seen) and not _TRACE.fullmatch(trace)
        else await forward(seen)
    )


@wrong("PUB-007", "refuses a batch with a malformed traceparent")
async def refuses_malformed_traces_of_batches(seen: Seen, forward: Forward) -> Answer:
    trace = next((each for name, each in seen.headers.items() if name.lower() == "traceparent"), None)
    bad = trace and way_in(seen) == "batch" and not _TRACE.fullmatch(trace)
    return refusal([], "bad-request", 400) if bad else await forward(seen)


@wrong("PUB-007", "fails at a well-formed traceparent")
async def fails_at_traces(seen: Seen, forward: Forward) -> Answer:
    trace = next((each for name, each in seen.headers.items() if name.lower() == "traceparent"), None)
    return refusal([], "internal-error", 500) if trace and _TRACE.fullmatch(trace) else await forward(seen)


@wrong("PUB-008", "asks for a token at /.well-known/passerelle")
async def asks_for_a_token_first(seen: Seen, forward: Forward) -> Answer:
    if seen.path == _WELL_KNOWN and "Authorization" not in seen.headers:
        answered = refusal([], "token-missing", 401)
        return replace(answered, headers={**answered.headers, "WWW-Authenticate": "Bearer"})
    return await forward(seen)


def _said(seen: Seen, answered: Answer, *missing: str) -> Answer:
    if seen.path != _WELL_KNOWN or answered.status != 200:
        return answered
    return answered.saying({name: each for name, each in answered.json.items() if name not in missing})


@wrong("PUB-008", "says nothing of its limits")
async def says_no_limits(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), "limits")


@wrong("PUB-008", "says nothing of the versions of schema and rules")
async def says_no_versions(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), "schema_version", "rules_version")


@wrong("PUB-008", "says nothing of its addresses")
async def says_no_addresses(seen: Seen, forward: Forward) -> Answer:
    return _said(seen, await forward(seen), "endpoints")


@wrong("PUB-008", "names other versions than its receipts do")
async def says_other_versions(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _WELL_KNOWN and answered.status == 200:
        return answered.saying({**answered.json, "rules_version": "2025.01", "schema_version": "0.9"})
    return answered


@wrong("PUB-008", "names a limit of an offer's size that is not the protocol's")
async def says_other_limits(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if seen.path == _WELL_KNOWN and answered.status == 200:
        return answered.saying({**answered.json, "limits": {**answered.json["limits"], "offer_bytes": 1_000_000}})
    return answered
