"""Answers to what publishers send: decisions, refusals, and the results of uploads (PUB-001 to PUB-018)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import schemas
from conformance.standin.exchange import NO_STORE, HostAnswer, Localised, localised_receipt, problem
from conformance.standin.receipts import Receipt
from conformance.standin.results import results_of
from conformance.standin.upload import Upload
from schemas.rulebook import Language


def refusal(verdict: schemas.Verdict, offer_id: str) -> HostAnswer:
    """422 with all problems (PUB-003)."""
    mismatch: dict[str, Any] = {"pointer": "/id", "expected": offer_id, "actual": verdict.id}
    if verdict.accepted:
        return problem(None, "id-mismatch", **mismatch)
    problems = [each.to_json() for each in verdict.problems]
    if verdict.id not in {None, offer_id}:
        problems.insert(0, schemas.problem("id-mismatch", **mismatch).to_json())
    return problem(None, "submission-refused", problems=problems)


def judged(verdict: schemas.Verdict) -> HostAnswer:
    """What would be stored, and the warnings (PUB-006)."""
    body = {
        "id": verdict.id,
        "status": "valid",
        "problems": [each.to_json() for each in verdict.problems],
        "offer": verdict.offer,
        "territory": verdict.territory,
        "expires_on": verdict.expires_on,
    }
    known = {name: value for name, value in body.items() if value is not None}
    return HostAnswer(200, Localised(lambda language: localised_receipt(known, language)), NO_STORE)


def receipt_answer(receipt: Receipt, wait: int) -> HostAnswer:
    """202 with the receipt's address, or the decision where the client waits for it (PUB-001, PUB-004)."""
    if wait:
        late = receipt["verdict"] in {"stale", "rejected"}
        status = 409 if late else 201 if receipt.get("created") else 200
        body, headers = receipt, {"Preference-Applied": f"wait={wait}"}
    else:
        warnings = {"problems": receipt["problems"]} if receipt["verdict"] == "accepted" and receipt["problems"] else {}
        status = 202
        body = {"receipt": receipt["receipt"], "verdict": "pending", "id": receipt["id"], **warnings}
        headers = {"Location": f"/v1/receipts/{receipt['receipt']}"}
    return HostAnswer(status, Localised(lambda language: localised_receipt(body, language)), {**headers, **NO_STORE})


def verdicts_of(receipts: Mapping[int, Receipt]) -> dict[str, int]:
    """How many items have each verdict."""
    return dict(Counter(receipt["verdict"] for receipt in receipts.values()).most_common())


def _counts(upload: Upload, queued: int) -> dict[str, int]:
    return {"items": len(upload.items), "refused": upload.refused, "queued": queued}


def batch_refused(upload: Upload, status: str) -> HostAnswer:
    """422 for a batch with a refused item; ``status`` is that of the accepted ones."""
    found = problem(None, "batch-refused", actual=upload.refused, expected=len(upload.items))

    def write(language: Language) -> Any:
        results = results_of(upload.items, status, {}, decided=False, language=language)
        return {**found.body.write(language), **_counts(upload, 0), **results}

    return HostAnswer(found.status, Localised(write), found.headers)


def batch_answer(
    upload: Upload,
    code: int,
    status: str,
    more: Mapping[str, Any],
    *,
    receipts: Mapping[int, Receipt] | None = None,
    wait: int = 0,
) -> HostAnswer:
    """The answer to an upload: the counts, ``more`` members, and the results. ``wait``: with the decisions."""
    known = receipts or {}
    headers = {"Preference-Applied": f"wait={wait}"} if wait else {}

    def write(language: Language) -> Any:
        results = results_of(upload.items, status, known, decided=wait > 0, language=language)
        return {**_counts(upload, len(known)), **more, **results}

    return HostAnswer(code, Localised(write), {**headers, **NO_STORE})


def snapshot_answer(
    upload: Upload, snapshot: str, receipts: Mapping[int, Receipt], gone: Sequence[Receipt], wait: int
) -> HostAnswer:
    """202, or 200 where nothing was queued or all is decided (PUB-018)."""
    more: dict[str, Any] = {"withdrawn": sum(each["verdict"] == "accepted" for each in gone)}
    status = 200
    if receipts or gone:
        more |= {"snapshot": snapshot, "receipts": f"/v1/receipts?snapshot={snapshot}"}
        status = 200 if wait else 202
        if wait:
            more |= {"pending": 0, "verdicts": verdicts_of(receipts)}
    return batch_answer(upload, status, "queued", more, receipts=receipts, wait=wait if receipts or gone else 0)
