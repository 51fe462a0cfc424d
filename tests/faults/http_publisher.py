"""A platform that publishes over HTTP: PUT, DELETE and batches, each answer taken as true."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.history import Outcome
from tests.faults.publisher import PAUSE_AFTER_FAILURE, Publisher, Stock
from tests.faults.wire import Answer, Line, NoAnswerError, NotSentError

_WAIT = {"Prefer": "wait=5"}
_UNDECIDED = "submissions-undecided"
"""Of 429: the platform has its share of undecided submissions, and others submit as well."""
_CERTAIN = frozenset({"log-busy", "log-unavailable", "uploads-busy", "spool-full", _UNDECIDED})
"""Codes of 429 and 503 which say that nothing was written."""
_OUTCOMES: dict[str, Outcome] = {"queued": "queued", "unknown": "unknown", "not-queued": "refused"}


@dataclass(kw_only=True)
class HttpPublisher(Publisher):
    """Calls whichever replica is up."""

    line: Line

    async def _send(self, stock: Stock, revision: int) -> None:
        """One PUT or DELETE, mostly waiting for its decision."""
        headers = _WAIT if self.random.random() < 0.8 else {}
        if stock.kinds[revision - 1] == "publish":
            call = self.line.call("PUT", f"/v1/offers/{stock.id}", body=stock.line(revision), headers=headers)
        else:
            path = f"/v1/offers/{stock.id}?revision={revision}&reason={stock.reason(revision)}"
            call = self.line.call("DELETE", path, headers=headers)
        began = self.clock()
        try:
            answer = await call
        except NotSentError:
            stock.unsettled.add(revision)
        except NoAnswerError as error:
            self._enter(stock, revision, began, "unknown", detail=str(error))
        else:
            self._take(stock, revision, began, answer)
            return
        await asyncio.sleep(PAUSE_AFTER_FAILURE)

    def _take(self, stock: Stock, revision: int, began: float, answer: Answer) -> None:
        body = answer.body or {}
        if answer.status in {200, 201, 409} and "verdict" in body:
            decision = {"verdict": body["verdict"], "sequence": body.get("sequence"), "receipt": body["receipt"]}
            self._enter(stock, revision, began, "decided", **decision)
        elif answer.status == 202:
            self._enter(stock, revision, began, "queued", receipt=body["receipt"])
        elif answer.status == 503 or _code(body) == _UNDECIDED:
            self._enter(stock, revision, began, _of_refusal(body), detail=_code(body))
        else:
            self._enter(stock, revision, began, "wrong", detail=f"HTTP {answer.status} {body}")

    async def _send_batch(self, chosen: Sequence[tuple[Stock, int]]) -> None:
        body = b"\n".join(stock.line(revision) for stock, revision in chosen)
        began = self.clock()
        try:
            answer = await self.line.call("POST", "/v1/offers/batch", body=body, media="application/x-ndjson")
        except NotSentError:
            for stock, revision in chosen:
                stock.unsettled.add(revision)
        except NoAnswerError as error:
            for stock, revision in chosen:
                self._enter(stock, revision, began, "unknown", detail=str(error))
        else:
            self._take_batch(chosen, began, answer)
            return
        await asyncio.sleep(PAUSE_AFTER_FAILURE)

    def _take_batch(self, chosen: Sequence[tuple[Stock, int]], began: float, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        results = body.get("results")
        for index, (stock, revision) in enumerate(chosen):
            if results is not None and answer.status in {202, 503}:
                result = results[index]
                outcome = _OUTCOMES.get(result["status"], "wrong")
                receipt = result.get("receipt") if outcome == "queued" else None
                self._enter(stock, revision, began, outcome, receipt=receipt, detail=result["status"])
            elif answer.status == 503 or _code(body) == _UNDECIDED:
                self._enter(stock, revision, began, _of_refusal(body), detail=_code(body))
            else:
                self._enter(stock, revision, began, "wrong", detail=f"HTTP {answer.status} {body}")


def _of_refusal(body: dict[str, Any]) -> Outcome:
    return "refused" if _code(body) in _CERTAIN else "unknown"


def _code(body: dict[str, Any]) -> str:
    return str(body.get("type", "")).rpartition(":")[2]
