"""Publish and withdraw, one offer or many; each outcome is followed to its decision.

An offer without ``revision`` gets one from ``Revisions``; one with a revision of its own is sent as it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from passerelle_client import clock
from passerelle_client.connection import Answer, Connection
from passerelle_client.errors import RefusedError, say
from passerelle_client.line import NDJSON, Document, Line, chunks, lines
from passerelle_client.outcome import LETTERS, Outcome, Summary
from passerelle_client.revisions import Revisions

WAIT = {"Prefer": "wait=30"}
_DECISION_SECONDS = 60.0
"""Seconds without a decision after which documents count as pending."""
_FIRST_POLL, _MAX_POLL = 0.1, 2.0
_PAGE = "1000"
GATEWAY = "gateway"
"""The publisher in the receipts of the gateway's own changes."""


class Publisher:
    """Publishes as the partner of a connection, with revisions of a file, or with those of the documents."""

    def __init__(self, connection: Connection, revisions: Revisions | None = None) -> None:
        self.connection = connection
        self.revisions = revisions

    def publish(self, offer: Mapping[str, Any]) -> Outcome:
        """Publish one offer. Raises ClientError."""
        return self._one("PUT", offer)

    def withdraw(self, offer_id: str, reason: str = "cancelled", *, revision: int | None = None) -> Outcome:
        """Withdraw one offer. Raises ClientError."""
        document = {"id": offer_id, "withdrawn": reason}
        return self._one("DELETE", document if revision is None else {**document, "revision": revision})

    def dry_run(self, offer: Mapping[str, Any]) -> Outcome:
        """The verdict on an offer, of which nothing is stored. Raises ClientError."""
        answer = self._call("PUT", Line({"revision": 1, **offer}), {"dry_run": "true"})
        verdict = "valid" if answer.ok else "refused"
        return Outcome(verdict=verdict, id=str(offer.get("id", "")), problems=answer.body.get("problems") or ())

    def batch(self, documents: Iterable[Document], each: Callable[[Outcome], None] = lambda _: None) -> Summary:
        """Publish and withdraw any number of documents, 500 at a time; ``each`` gets the outcomes in order. Refused
        documents hold back no others. Raises ClientError.
        """
        summary, first, patience = Summary(), 0, _DECISION_SECONDS
        for chunk in chunks(lines(documents, self.connection, self.revisions)):
            outcomes, resent = self._batch(chunk, first, patience, summary)
            healed = [] if resent else [at for at, one in enumerate(outcomes) if self._heals(chunk[at], one)]
            if healed:
                again, _ = self._batch([chunk[at] for at in healed], first, patience, summary)
                for at, outcome in zip(healed, again, strict=True):
                    summary.rules.subtract(problem["code"] for problem in outcomes[at].problems[:1])
                    outcomes[at] = outcome
            if any(one.verdict == "pending" for one in outcomes):
                patience = 0.0  # decisions do not come at present: those of later documents are not waited for
            for at, outcome in enumerate(outcomes, first):
                summary.add(indexed := replace(outcome, index=at))
                each(indexed)
            first += len(chunk)
        return summary

    def decisions(
        self, number: int, patience: float = _DECISION_SECONDS, **filters: str
    ) -> Iterator[Mapping[str, Any]]:
        """The receipts of ``number`` documents as they are decided, under these filters, such as ``snapshot``; fewer
        where none comes for ``patience`` seconds. The gateway's own changes are not counted. Raises ClientError.
        """
        params, pause, last = {"limit": _PAGE, **filters}, _FIRST_POLL, clock.monotonic()
        while number > 0:
            page = self._read("/v1/receipts", params).body
            for receipt in page["receipts"]:
                number -= receipt["publisher"] != GATEWAY
                pause, last = _FIRST_POLL, clock.monotonic()
                yield receipt
            params["cursor"] = page["cursor"]
            if number > 0 and not page["more"]:
                if clock.monotonic() - last >= patience:
                    return
                clock.sleep(pause)
                pause = min(pause * 2, _MAX_POLL)

    def refused(self, answer: Answer, doing: str, **values: object) -> RefusedError:
        """The error of a call that was refused as a whole."""
        language = self.connection.language
        return RefusedError(answer, say(doing, language, **values), language)

    def _one(self, method: str, document: Mapping[str, Any]) -> Outcome:
        line = next(lines([document], self.connection, self.revisions))
        answer = self._call(method, line)
        outcome = self._decided(line, answer)
        if not answer.resent and self._heals(line, outcome):
            outcome = self._decided(line, self._call(method, line))
        return outcome

    def _call(self, method: str, line: Line, params: Mapping[str, str] | None = None) -> Answer:
        path, doing = f"/v1/offers/{quote(line.id, safe=':')}", "doing-publish"
        headers, body = {**WAIT, "Content-Type": "application/json"}, line.raw
        if method == "DELETE":
            document, doing = line.document, "doing-withdraw"
            params = {"revision": str(document.get("revision", "")), "reason": document["withdrawn"]}
            answer = self.connection.call(method, path, params=params, headers=WAIT)
        else:
            answer = self.connection.call(method, path, params=params, body=body, headers=headers)
        known = isinstance(answer.body, dict) and (answer.ok or "verdict" in answer.body or answer.status == 422)
        if not known:
            raise self.refused(answer, doing, id=line.id)
        return answer

    def _decided(self, line: Line, answer: Answer) -> Outcome:
        """The outcome of one document, followed by its receipt until it is decided."""
        if answer.status == 422:
            return Outcome(verdict="refused", id=line.id, problems=answer.body.get("problems") or ())
        receipt, pause, began = answer.body, _FIRST_POLL, clock.monotonic()
        while receipt["verdict"] == "pending" and clock.monotonic() - began < _DECISION_SECONDS:
            clock.sleep(pause)
            pause = min(pause * 2, _MAX_POLL)
            receipt = self._read(f"/v1/receipts/{receipt['receipt']}").body
        return Outcome.read(receipt)

    def _batch(
        self, chunk: Sequence[Line], first: int, patience: float, summary: Summary
    ) -> tuple[list[Outcome], bool]:
        """The outcomes of one batch, and whether it was sent again after an unknown outcome."""
        body = b"".join(line.raw + b"\n" for line in chunk)
        headers = {"Content-Type": NDJSON, **(WAIT if patience else {})}
        params = {"partial": "true"}
        answer = self.connection.call("POST", "/v1/offers/batch", params=params, body=body, headers=headers)
        content = answer.body if isinstance(answer.body, dict) else {}
        if not isinstance(content.get("statuses"), str) or len(content["statuses"]) != len(chunk):
            raise self.refused(answer, "doing-batch", first=first + 1, last=first + len(chunk))
        summary.note(content)
        results = {result["index"]: result for result in content["results"]}
        outcomes = [
            Outcome.read(
                {"id": line.id, **results.get(at, {}), "verdict": LETTERS.get(content["statuses"][at], "pending")}
            )
            for at, line in enumerate(chunk)
        ]
        waiting = {one.receipt: at for at, one in enumerate(outcomes) if one.verdict == "pending"}
        if waiting:
            with_receipts = sum(one.verdict != "refused" for one in outcomes)
            for receipt in self.decisions(with_receipts, patience, batch=content["batch"]):
                at = waiting.pop(receipt["receipt"], None)
                if at is not None:
                    outcomes[at] = Outcome.read(receipt)
                    summary.note_decision(outcomes[at])
                if not waiting:
                    break
            if waiting:
                summary.receipts.append(content["receipts"])
        return outcomes, answer.resent

    def _heals(self, line: Line, outcome: Outcome) -> bool:
        """Whether a stale line gets a revision above the gateway's: where its offer was never sent before."""
        if self.revisions is None or not line.minted or outcome.verdict != "stale":
            return False
        current = outcome.current or self._read(f"/v1/receipts/{outcome.receipt}").body["current"]["revision"]
        healed = self.revisions.heal(line.id, sent=line.document["revision"], current=current)
        if healed is not None:
            line.revise(healed)
        return healed is not None

    def _read(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        answer = self.connection.call("GET", path, params=params)
        if not answer.ok:
            raise self.refused(answer, "doing-receipts")
        return answer
