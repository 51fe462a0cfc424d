"""A regional platform that publishes: its own HTTP client, its own book, every answer held against what it expects."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any

import orjson

from gateway.client import NDJSON, Answer, Client
from gateway.demo.book import Book, Reasons, Sending, Stopwatch
from schemas.communes import department_of
from schemas.rules.location import place_of

_PAUSE = 0.15


class Publisher:
    """Sends, and follows its receipts."""

    def __init__(self, client: Client, book: Book, *, reasons: Reasons, watch: Stopwatch) -> None:
        self.client = client
        self.book = book
        self._reasons = reasons
        self._watch = watch
        self._cursor: str | None = None
        self._early: dict[str, str] = {}
        """Verdicts of receipts that were read before the answer that names them: the relay may be faster."""

    async def send_batch(self, sendings: Sequence[Sending]) -> None:
        """One batch, its wrong offers refused and the others queued."""
        body = b"".join(sending.raw + b"\n" for sending in sendings)
        self._begin(sendings)
        answer = await self.client.call(
            "POST", "/v1/offers/batch", params={"partial": "true"}, body=body, media_type=NDJSON
        )
        results = answer.body.get("results") if isinstance(answer.body, dict) else None
        if results is None or len(results) != len(sendings):
            self.book.surprise(f"a batch was answered {answer.explain()}")
            return
        for sending, result in zip(sendings, results, strict=True):
            self._take(sending, result.get("receipt"), result.get("problems", ()))

    async def send_one(self, sending: Sending) -> None:
        """One offer by PUT, waiting for its decision."""
        self._begin([sending])
        answer = await self.client.call(
            "PUT", f"/v1/offers/{sending.id}", body=sending.raw, headers={"Prefer": "wait=10"}
        )
        self._take_single(sending, answer)

    async def withdraw_one(self, sending: Sending, reason: str) -> None:
        """One offer taken back by DELETE, waiting for the decision."""
        self._begin([sending])
        answer = await self.client.call(
            "DELETE",
            f"/v1/offers/{sending.id}",
            params={"revision": str(sending.revision), "reason": reason},
            headers={"Prefer": "wait=10"},
        )
        self._take_single(sending, answer)

    async def send_snapshot(self, present: Sequence[str], *, expected: int) -> bool:
        """The complete set, said to be these offers; ``expected`` is how many absent ones that must withdraw. False
        when the guard against cut exports stopped it, which changes nothing.
        """
        taken = await self.client.call("POST", "/v1/snapshots/marks")
        lines = [self.book.raw[offer_id] for offer_id in present]
        body = b"".join(line + b"\n" for line in [*lines, orjson.dumps({"count": len(lines)})])
        answer = await self.client.call(
            "POST", "/v1/snapshots", params={"mark": taken.body["mark"]}, body=body, media_type=NDJSON
        )
        if answer.status == HTTPStatus.CONFLICT and "would_withdraw" in answer.body:
            return False
        if not answer.ok or answer.body["withdrawn"] != expected or answer.body["refused"]:
            self.book.surprise(f"a snapshot was answered {answer.explain()}, not with {expected} withdrawn")
            return True
        kept = set(present)
        for offer_id in [offer_id for offer_id in self.book.live if offer_id not in kept]:
            self._withdrawn(offer_id)
        self.book.sent += len(lines)
        for offer_id, result in zip(present, answer.body["results"], strict=True):
            self._wait_for(result["receipt"], Sending(offer_id, self.book.live[offer_id], b"", "duplicate"))
        return True

    async def follow(self) -> None:
        """Read the receipts as they come, until cancelled."""
        while True:
            async for receipt in self._receipts():
                sending = self.book.open.pop(receipt["receipt"], None)
                if sending is None:
                    self._early[receipt["receipt"]] = receipt["verdict"]
                else:
                    self._decide(sending, receipt["verdict"])
            await asyncio.sleep(_PAUSE)

    async def _receipts(self) -> AsyncIterator[dict[str, Any]]:
        more = True
        while more:
            params = {"limit": "500"} | ({"cursor": self._cursor} if self._cursor else {})
            answer = await self.client.call("GET", "/v1/receipts", params=params)
            if not answer.ok:
                self.book.surprise(f"the receipts were answered {answer.explain()}")
                return
            for receipt in answer.body["receipts"]:
                yield receipt
            self._cursor, more = answer.body["cursor"], answer.body["more"]

    def _begin(self, sendings: Sequence[Sending]) -> None:
        """Enter what is sent: from now on it is expected to stand, or to be gone."""
        now = asyncio.get_running_loop().time()
        self.book.sent += len(sendings)
        for sending in sendings:
            if sending.expected != "accepted":
                continue
            if sending.document is None:
                self._withdrawn(sending.id)
                continue
            self.book.updated += sending.id in self.book.live
            self.book.live[sending.id] = sending.revision
            self.book.raw[sending.id] = sending.raw
            self.book.departments.setdefault(sending.id, _department(sending.document))
            self._watch.begin(sending.id, sending.revision, now)

    def _withdrawn(self, offer_id: str) -> None:
        self.book.withdrawn += 1
        self.book.live.pop(offer_id, None)
        self.book.raw.pop(offer_id, None)

    def _take_single(self, sending: Sending, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        receipt = body.get("receipt")
        self._take(sending, receipt, body.get("problems", ()))

    def _take(self, sending: Sending, receipt: str | None, problems: Sequence[dict[str, Any]]) -> None:
        """What the gateway said at once."""
        codes = {problem["code"] for problem in problems}
        for problem in problems:
            self._reasons.add(problem)
        if (receipt is None) != (sending.expected == "refused") or codes != sending.codes:
            told = ", ".join(sorted(codes)) or "nothing"
            self.book.surprise(f"{sending.id} was told {told}, not {', '.join(sorted(sending.codes)) or 'nothing'}")
        if receipt is None:
            self.book.refused += 1
        else:
            self._wait_for(receipt, sending)

    def _wait_for(self, receipt: str, sending: Sending) -> None:
        verdict = self._early.pop(receipt, None)
        if verdict is None:
            self.book.open[receipt] = sending
        else:
            self._decide(sending, verdict)

    def _decide(self, sending: Sending, verdict: str) -> None:
        """What the relay decided."""
        if verdict != sending.expected:
            self.book.surprise(f"{sending.id} revision {sending.revision} is {verdict}, not {sending.expected}")
        match verdict:
            case "accepted":
                self.book.accepted += 1
                self.book.warned += bool(sending.codes)
            case "duplicate":
                self.book.duplicate += 1
            case "stale":
                self.book.stale += 1


def _department(document: dict[str, Any]) -> str:
    """The department (INSEE code) where the offer is, as the protocol tells it."""
    code = document["location"].get("insee_commune")
    if code is not None:
        return department_of(code)
    territory = place_of(document).territory
    return territory.department if territory is not None else ""
