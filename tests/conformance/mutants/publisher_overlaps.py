"""Wrong publishers: a withdrawal or newer content while a publication waits after 503, and answers 409."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Publisher
from tests.conformance.partner_kinds import SnapshotPublisher, WaitingPublisher

_UNKNOWN = {0, 503}


def _withdrawal(offer_id: str, revision: int) -> str:
    return f"/v1/offers/{offer_id}?revision={revision}&reason=filled"


class HastyPublisher(Publisher):
    """Sends each order at once, whether an earlier one of the offer waits or not."""

    last = ""

    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        revision = self.revisions[offer_id]
        while await self.repeats(*await self.send(method, path, body)):
            if self.revisions[offer_id] > revision and self.raises(offer_id, method):
                self.revisions[offer_id] = revision = self.revisions[offer_id] + 1
                path = _withdrawal(offer_id, revision) if body is None else path
                body = None if body is None else {**body, "revision": revision}

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        self.last = action
        return await super().order(action, given)

    def raises(self, _offer_id: str, _method: str) -> bool:
        """Whether what waits is sent again under a revision above a later order's."""
        return False


@wrong("ERR-009", "sends what waits again under a revision above that of newer content")
class RaisesAboveNewerContent(HastyPublisher):
    def raises(self, _offer_id: str, method: str) -> bool:
        return method == "PUT" and self.last == "change"


@wrong("WDR-010", "sends a publication that waits again under a revision above that of its withdrawal")
class RaisesAboveWithdrawals(HastyPublisher):
    def raises(self, _offer_id: str, method: str) -> bool:
        return method == "PUT" and self.last == "withdraw"


@wrong("WDR-001", "sends a withdrawal that waits again under a revision above that of a new publication")
class WithdrawsNewerPublications(HastyPublisher):
    def raises(self, _offer_id: str, method: str) -> bool:
        return method == "DELETE" and self.last in {"create", "change"}


class _Noting(Publisher):
    """Notes the revision of each publication that waits, and looks at what became of it before it sends it again."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.waiting: dict[str, int] = {}
        self.instead: dict[str, dict[str, Any] | None] = {}

    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        async with self.locks.setdefault(offer_id, asyncio.Lock()):
            while True:
                status, answer, retry = await self.send(method, path, body)
                if status in _UNKNOWN and body is not None:
                    self.waiting[offer_id] = body["revision"]
                again = await self.repeats(status, answer, retry)
                self.waiting.pop(offer_id, None)
                if offer_id in self.instead and body is not None:
                    body = self.instead.pop(offer_id)
                if not again or (body is None and method == "PUT"):
                    return


@wrong("ERR-009", "drops a publication that waits and its withdrawal: it takes the offer for one that was never sent")
class DropsBoth(_Noting):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        if offer_id in self.waiting:
            self.instead[offer_id] = None
        else:
            await super().withdraw(offer_id, revision)


@wrong("REV-004", "puts newer content under the revision of the publication that waits")
class ReplacesWaitingContent(_Noting):
    async def publish(self, document: dict[str, Any]) -> None:
        offer_id = document["id"]
        if offer_id in self.waiting:
            self.instead[offer_id] = {**document, "revision": self.waiting[offer_id]}
        else:
            await super().publish(document)


@wrong("WDR-001", "withdraws under the revision of the publication that waits, and drops that one")
class WithdrawsTheWaitingRevision(_Noting):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        revision = self.waiting.get(offer_id, revision)
        if offer_id in self.waiting:
            self.instead[offer_id] = None
        await super().withdraw(offer_id, revision)


@wrong("WDR-001", "drops the withdrawal of an offer whose publication waits")
class DropsWithdrawalsMeanwhile(_Noting):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        if offer_id not in self.waiting:
            await super().withdraw(offer_id, revision)


@wrong("ERR-009", "reads the content from its table each time it sends: newer content goes out under the old revision")
class ReadsWhatItSends(Publisher):
    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        current = self.document(body["id"], body["revision"]) if method == "PUT" else body
        return await super().send(method, path, current)


@wrong("PUB-001", "sends a publication that is answered 409 again without end")
class RepeatsConflicts(WaitingPublisher):
    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        if status == 409:
            await self.wait(status, max(retry, 0.2))
            return True
        return await super().repeats(status, answer, retry)


@wrong("REV-005", "sends a withdrawal that is stale again without end")
class RepeatsStaleWithdrawals(Publisher):
    async def deliver(self, _offer_id: str, method: str, path: str, body: Any) -> None:
        while True:
            status, answer, retry = await self.send(method, path, body)
            if not await self.repeats(status, answer, retry) and (status != 409 or body is not None):
                return
            await self.wait(status, retry)


@wrong("REV-005", "publishes what is stale again, under a revision above the current one")
class OutbidsConflicts(HastyPublisher):
    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        while True:
            status, answer, retry = await self.send(method, path, body)
            if status == 409 and body is not None:
                self.revisions[offer_id] += 1
                body = {**body, "revision": self.revisions[offer_id]}
            elif not await self.repeats(status, answer, retry):
                return


@wrong("PUB-043", "exports again while a snapshot waits, and sends the new set under the first key")
class ExportsUnderTheFirstKey(SnapshotPublisher):
    async def run_once(self) -> None:
        mark, key = await self.take_mark(), str(uuid4())
        while True:
            status, answer, retry = await self.upload(mark, self.lines(self.export()), key)
            if not await self.repeats(status, answer, retry):
                return
