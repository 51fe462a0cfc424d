"""Batch answers of the fake gateway, and the receipts of queued items (PUB-016 to PUB-018, RCP-007)."""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import schemas
from conformance.role.host import HostAnswer, problem

_MOST_BATCHES = 100
_MOST_RESULTS, _MOST_IN_FULL = 10_000, 1_000
_LETTERS = {
    "queued": "q",
    "refused": "r",
    "not-queued": "n",
    "valid": "v",
    "accepted": "a",
    "duplicate": "d",
    "stale": "s",
    "rejected": "j",
}
_REFUSED = 422


@dataclass(slots=True)
class Batches:
    """The last hundred batches, each with the receipts of its queued items."""

    _receipts: OrderedDict[str, list[dict[str, Any]]] = field(default_factory=OrderedDict)
    _batches: int = 0
    _queued: int = 0

    def receipts(self, batch: str, verdicts: str) -> list[dict[str, Any]]:
        """The receipts of a batch with one of these verdicts (comma-separated; empty: any)."""
        asked = verdicts.split(",") if verdicts else list(_LETTERS)
        return [receipt for receipt in self._receipts.get(batch, []) if receipt["verdict"] in asked]

    def answer(
        self,
        verdicts: Sequence[schemas.Verdict],
        answers: Sequence[HostAnswer],
        *,
        waited: bool,
        on: date,
        platform: str,
    ) -> HostAnswer:
        """The answer to a batch, item by item as for a single submission. ``waited``: it includes the decisions."""
        self._batches += 1
        batch = f"b{self._batches:016}"
        kept = [self._receipt(batch, each.body, on, platform) for each in answers if "verdict" in each.body]
        body = _body(verdicts, answers, iter(kept), waited=waited)
        if not kept:
            return _refused(body) if body["refused"] else HostAnswer(200, body)
        self._receipts[batch] = kept
        if len(self._receipts) > _MOST_BATCHES:
            self._receipts.popitem(last=False)
        body |= {"batch": batch, "receipts": f"/v1/receipts?batch={batch}"}
        if waited:
            body |= {"pending": 0, "verdicts": dict(Counter(receipt["verdict"] for receipt in kept))}
        return HostAnswer(207 if body["refused"] else 200 if waited else 202, body)

    def _receipt(self, batch: str, decided: Mapping[str, Any], on: date, platform: str) -> dict[str, Any]:
        self._queued += 1
        return {
            **decided,
            "receipt": f"r{self._queued:024}",
            "publisher": platform,
            "batch": batch,
            "position": f"submissions/0/{self._queued}",
            "at": f"{datetime.combine(on, time(), UTC):%Y-%m-%dT%H:%M:%S}.000Z",
            "schema_version": schemas.SCHEMA_VERSION,
            "rules_version": schemas.RULES_VERSION,
        }


def _refused(body: Mapping[str, Any]) -> HostAnswer:
    """422: no item of the batch is stored, and none has a receipt."""
    return problem(_REFUSED, "batch-refused", **body)


def _body(
    verdicts: Sequence[schemas.Verdict],
    answers: Sequence[HostAnswer],
    receipts: Iterator[Mapping[str, Any]],
    *,
    waited: bool,
) -> dict[str, Any]:
    results: list[dict[str, Any]] = []
    letters: list[str] = []
    rules: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    refused: list[int] = []
    for index, (verdict, each) in enumerate(zip(verdicts, answers, strict=True)):
        result: dict[str, Any] = {"index": index, "id": verdict.id}
        warnings.update({problem.code for problem in verdict.problems if problem.severity == "warning"})
        if each.status == _REFUSED:
            refused.append(index)
            rules.update({problem.code for problem in verdict.problems if problem.severity == "error"})
            result["status"] = "refused"
            if len(refused) <= _MOST_IN_FULL:
                result["problems"] = each.body["problems"]
        elif "verdict" not in each.body:
            result["status"] = each.body["status"]
        else:
            receipt = next(receipts)
            result |= {"status": receipt["verdict"] if waited else "queued", "receipt": receipt["receipt"]}
        letters.append(_LETTERS[result["status"]])
        if index < _MOST_RESULTS or "problems" in result:
            results.append(result)
    body = {
        "items": len(answers),
        "refused": len(refused),
        "queued": sum("verdict" in each.body for each in answers),
        "results": results,
        "statuses": "".join(letters),
        "rules": dict(rules),
        "warnings": dict(warnings),
    }
    if len(refused) > _MOST_IN_FULL:
        body["omitted"] = {"items": len(refused) - _MOST_IN_FULL, "from": refused[_MOST_IN_FULL]}
    return body
