"""Fake gateway for a publisher: verdicts, decisions, a journal of all submissions, faults on demand, and batches with
the receipts of queued items (PUB-016 to PUB-018, RCP-007).
"""

import asyncio
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import orjson

import schemas
from conformance.role.host import MOST_BYTES, HostAnswer, PartnerRequest, fault_answer, language_of, problem
from conformance.role.journal import SendKind, SendOutcome, Sent, SubmissionJournal, digest_of
from conformance.script.batch import UnreadableError, inflate, split_batch

_REVISION = re.compile("[0-9]{1,16}")
_NOT_QUEUED = HostAnswer(200, {"status": "not-queued"})
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*[1-9]", re.IGNORECASE)
_RECEIPT = "rAAAAAAAAAAAAAAAAAAAAAAAA"
_STATUS: Mapping[SendOutcome, int] = {"accepted": 201, "duplicate": 200, "stale": 409, "rejected": 409}
_MOST_BATCHES = 100
_MOST_RESULTS, _MOST_IN_FULL = 10_000, 1_000
_REFUSED = 422
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
"""Letter of each status of an item."""


class FakeGateway:
    """Answers publications. ``faults`` apply to the next ones, in order; ``expire`` invalidates the issued tokens."""

    def __init__(self, journal: SubmissionJournal, *, day: Callable[[], date], expire: Callable[[], None]) -> None:
        self._journal = journal
        self._day = day
        self._expire = expire
        self._began: float | None = None
        self.faults: deque[Mapping[str, Any]] = deque()
        self._batches = Batches()

    async def watched(self, seconds: float) -> None:
        """Wait until ``seconds`` have passed since the first call."""
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + seconds - now))

    async def answer(self, ask: PartnerRequest) -> HostAnswer:
        """The answer to a request."""
        match ask.method, ask.path.strip("/").split("/"):
            case "PUT", ["v1", "offers", offer_id]:
                return await self._take(ask.body, ask, expected=offer_id)
            case "DELETE", ["v1", "offers", offer_id]:
                revision = ask.query.get("revision", "")
                if not _REVISION.fullmatch(revision):
                    code = "parameter-invalid" if revision else "parameter-missing"
                    return problem(400, code, detail="revision")
                reason = ask.query.get("reason", "cancelled")
                withdrawal = {"id": offer_id, "revision": int(revision), "withdrawn": reason}
                return await self._take(orjson.dumps(withdrawal), ask, expected=offer_id)
            case "POST", ["v1", "offers", "batch"]:
                return await self._take_batch(ask)
            case "GET", ["v1", "receipts", receipt]:
                return HostAnswer(200, {"receipt": receipt, "verdict": "accepted"})
            case "GET", ["v1", "receipts"]:
                receipts = self._batches.receipts(ask.query.get("batch", ""), ask.query.get("verdict", ""))
                return HostAnswer(200, {"receipts": receipts, "cursor": None, "more": False})
        return problem(404, "not-found")

    async def _take(self, raw: bytes, ask: PartnerRequest, *, expected: str) -> HostAnswer:
        judged = (raw, schemas.check_submission(raw, on=self._day()))
        fault = self._fault_for(ask)
        return self._decide(*judged, ask, expected=expected) if fault is None else await self._fail(fault, [judged])

    def _fault_for(self, ask: PartnerRequest) -> Mapping[str, Any] | None:
        """The next fault, or None; a dry run consumes none."""
        return self.faults.popleft() if self.faults and ask.query.get("dry_run") != "true" else None

    def _decide(
        self, raw: bytes, verdict: schemas.Verdict, ask: PartnerRequest, *, expected: str | None = None
    ) -> HostAnswer:
        if not verdict.accepted or (expected is not None and verdict.id != expected):
            return self._refuse(verdict, ask)
        if ask.query.get("dry_run") == "true":
            return HostAnswer(200, {"id": verdict.id, "status": "valid", "problems": []})
        outcome = self._note(raw, verdict)
        return HostAnswer(_STATUS[outcome], {"receipt": _RECEIPT, "verdict": outcome, "id": verdict.id, "problems": []})

    async def _fail(self, fault: Mapping[str, Any], judged: Sequence[tuple[bytes, schemas.Verdict]]) -> HostAnswer:
        """The answer of a fault; with ``stored`` the submissions take effect all the same."""
        seconds = float(fault.get("seconds", 0))
        slow = fault["fault"] == "slow"
        for raw, verdict in judged:
            if verdict.accepted:
                self._note(raw, verdict, failing=True, stored=fault.get("stored", False), wait=0.0 if slow else seconds)
        if slow:
            await asyncio.sleep(seconds)
        return fault_answer(fault["fault"], seconds=seconds, unavailable="outcome-unknown", expire=self._expire)

    def _refuse(self, verdict: schemas.Verdict, ask: PartnerRequest) -> HostAnswer:
        codes = tuple(each.code for each in verdict.problems if each.severity == "error") or ("id-mismatch",)
        now = asyncio.get_running_loop().time()
        self._journal.sent.append(
            Sent(id=verdict.id or "?", revision=verdict.revision or 0, outcome="refused", at=now, problems=codes)
        )
        problems = [schemas.localized(each.to_json(), language_of(ask)) for each in verdict.problems]
        return problem(422, "submission-refused", problems=problems)

    def _note(
        self, raw: bytes, verdict: schemas.Verdict, *, failing: bool = False, stored: bool = True, wait: float = 0.0
    ) -> SendOutcome:
        document: dict[str, Any] = orjson.loads(raw)
        offer_id, revision = document["id"], int(document["revision"])
        kind: SendKind = "withdraw" if verdict.withdrawal else "publish"
        outcome: SendOutcome = "unknown"
        if stored:
            outcome = self._journal.decide(offer_id, revision, digest_of(document), live=kind == "publish")
            outcome = "lost" if failing else outcome
        now = asyncio.get_running_loop().time()
        self._journal.sent.append(
            Sent(id=offer_id, revision=revision, outcome=outcome, at=now, kind=kind, document=document, wait=wait)
        )
        return outcome

    async def _take_batch(self, ask: PartnerRequest) -> HostAnswer:
        """Decide each document as if alone; where one is refused, the others are queued with ``partial`` only."""
        dry = ask.query.get("dry_run") == "true"
        encoding = ask.headers.get("Content-Encoding", "identity").lower()
        gzip = encoding in {"gzip", "x-gzip"}
        if not gzip and encoding != "identity":
            return problem(415, "content-encoding", detail=encoding)
        try:
            documents = list(split_batch(inflate(ask.body, most=MOST_BYTES) if gzip else ask.body))
        except UnreadableError as error:
            status = 413 if error.code == "body-too-large" else 400
            return problem(status, error.code, detail=error.text[language_of(ask)])
        if not documents:
            return problem(422, "batch-empty")
        judged = [(raw, schemas.check_submission(raw, on=self._day())) for raw in documents]
        fault = self._fault_for(ask)
        if fault is not None:
            return await self._fail(fault, judged)
        refused = sum(not verdict.accepted for _, verdict in judged)
        withheld = refused == len(judged) or (refused and ask.query.get("partial") != "true")
        answers = [
            _NOT_QUEUED if withheld and verdict.accepted and not dry else self._decide(raw, verdict, ask)
            for raw, verdict in judged
        ]
        waited = _WAIT.search(ask.headers.get("Prefer", "")) is not None
        verdicts = [verdict for _, verdict in judged]
        return self._batches.answer(verdicts, answers, waited=waited, on=self._day(), platform=self._journal.platform)


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
            return problem(_REFUSED, "batch-refused", **body) if body["refused"] else HostAnswer(200, body)
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
