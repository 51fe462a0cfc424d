"""Wrong publishers by snapshot: marks, complete sets, the guard against mass withdrawals, and refused lines."""

import asyncio
from typing import Any
from uuid import uuid4

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_kinds import SnapshotPublisher


@wrong("PUB-020", "takes the mark after the export")
class MarksAfterTheExport(SnapshotPublisher):
    async def run_once(self) -> None:
        exported = self.export()
        mark = await self.take_mark()
        content = self.lines(exported)
        key = str(uuid4())
        while await self.repeats(*await self.upload(mark, content, key)):
            pass


@wrong("PUB-020", "exports while it waits for the mark")
class ExportsMeanwhile(SnapshotPublisher):
    async def run_once(self) -> None:
        taking = asyncio.ensure_future(self.take_mark())
        content = self.lines(self.export())
        key = str(uuid4())
        mark = await taking
        while await self.repeats(*await self.upload(mark, content, key)):
            pass


@wrong("PUB-022", "takes a new mark for the same export after 503")
class MarksAgain(SnapshotPublisher):
    async def run_once(self) -> None:
        mark = await self.take_mark()
        content = self.lines(self.export())
        while await self.repeats(*await self.upload(mark, content, str(uuid4()))):
            mark = await self.take_mark()


@wrong("PUB-022", "uses one mark for all its snapshots")
class KeepsItsMark(SnapshotPublisher):
    mark = ""

    async def take_mark(self) -> str:
        self.mark = self.mark or await super().take_mark()
        return self.mark


@wrong("PUB-021", "makes up its marks")
class MakesUpMarks(SnapshotPublisher):
    async def take_mark(self) -> str:
        return "2027-01-01T020000"


@wrong("PUB-029", "waits for the next night when the gateway is not ready")
class WaitsWhenNotReady(SnapshotPublisher):
    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        early = status == 503 and answer.get("code") == "snapshot-not-ready"
        return not early and await super().repeats(status, answer, retry)


@wrong("PUB-024", "sends a set without its count")
class LeavesOutTheCount(SnapshotPublisher):
    def lines(self, offers: list[dict[str, Any]]) -> bytes:
        return b"".join(self.encode(offer) + b"\n" for offer in offers)


@wrong("PUB-024", "counts the last line as well")
class CountsTheCount(SnapshotPublisher):
    def lines(self, offers: list[dict[str, Any]]) -> bytes:
        return b"".join(self.encode(line) + b"\n" for line in [*offers, {"count": len(offers) + 1}])


@wrong("PUB-024", "writes the count first")
class CountsFirst(SnapshotPublisher):
    def lines(self, offers: list[dict[str, Any]]) -> bytes:
        return b"".join(self.encode(line) + b"\n" for line in [{"count": len(offers)}, *offers])


@wrong("PUB-020", "sends what has changed since the last snapshot only")
class SendsChangesOnly(SnapshotPublisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.sent: dict[str, int] = {}

    def export(self) -> list[dict[str, Any]]:
        changed = [offer for offer in super().export() if self.sent.get(offer["id"]) != offer["revision"]]
        self.sent |= {offer["id"]: offer["revision"] for offer in changed}
        return changed


@wrong("PUB-020", "sends the first page of its export only")
class SendsOnePage(SnapshotPublisher):
    def export(self) -> list[dict[str, Any]]:
        return super().export()[-2:]


@wrong("PUB-020", "leaves an offer out of the set when it cannot export it, and counts the rest")
class SkipsWhatFails(SnapshotPublisher):
    def export(self) -> list[dict[str, Any]]:
        return [offer for offer in super().export() if offer["revision"] == 1]


@wrong("PUB-027", "writes withdrawals into the set")
class WithdrawsInTheSet(SnapshotPublisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.gone: list[dict[str, Any]] = []

    async def withdraw(self, offer_id: str, revision: int) -> None:
        self.gone.append({"id": offer_id, "revision": revision, "withdrawn": "filled"})
        await super().withdraw(offer_id, revision)

    def export(self) -> list[dict[str, Any]]:
        return [*super().export(), *self.gone]


@wrong("PUB-026", "writes an offer that changed during the export twice")
class WritesOffersTwice(SnapshotPublisher):
    def export(self) -> list[dict[str, Any]]:
        offers = super().export()
        return [*offers, *(offer for offer in offers if offer["revision"] > 1)]


@wrong("PUB-028", "always confirms a great number")
class AlwaysConfirms(SnapshotPublisher):
    def confirmation(self) -> str:
        return "&confirm=1000000"


@wrong("PUB-028", "confirms whatever number the gateway names")
class ConfirmsBlindly(SnapshotPublisher):
    number = 0

    async def run_once(self) -> None:
        self.needs_confirmation = 0
        await super().run_once()
        while self.needs_confirmation:
            self.number, self.needs_confirmation = self.needs_confirmation, 0
            await super().run_once()
        self.number = 0

    def confirmation(self) -> str:
        return f"&confirm={self.number}" if self.number else ""


@wrong("PUB-020", "keeps withdrawn offers in the set")
class KeepsWithdrawnOffers(SnapshotPublisher):
    async def withdraw(self, _offer_id: str, _revision: int) -> None:
        await self.run()


@wrong("PUB-025", "leaves a line that was refused out of the next set")
class DropsRefusedLines(SnapshotPublisher):
    def read(self, answer: Any) -> None:
        for item in (answer or {}).get("results", ()):
            if item["status"] == "refused":
                self.live.pop(item["id"], None)


@wrong("REV-004", "changes an offer in the set without a new revision")
class KeepsRevisionsInTheSet(SnapshotPublisher):
    def next_revision(self, _offer_id: str, _action: str) -> int:
        return 1


@wrong("PUB-022", "sends a set again without end when its mark is stale")
class RepeatsStaleMarks(SnapshotPublisher):
    async def upload(self, mark: str, content: bytes, key: str) -> tuple[int, Any, float]:
        await super().upload(mark, content, key)
        return await super().upload(mark, content, str(uuid4()))

    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        if status == 409:
            await self.wait(status, 0.2)
            return True
        return await super().repeats(status, answer, retry)


@wrong("PUB-023", "begins a snapshot for each change, whether one runs or not")
class RunsSeveralAtOnce(SnapshotPublisher):
    async def run(self) -> None:
        await self.run_once()


@wrong("PUB-022", "sends a set again under a new Idempotency-Key and a new mark when its answer is lost")
class StartsOverAfterSilence(SnapshotPublisher):
    async def run_once(self) -> None:
        mark = await self.take_mark()
        content = self.lines(self.export())
        while True:
            status, answer, retry = await self.upload(mark, content, str(uuid4()))
            if status == 0:
                mark = await self.take_mark()
            elif not await self.repeats(status, answer, retry):
                return


@wrong("PUB-028", "sends an empty set when its database fails")
class SendsEmptySets(SnapshotPublisher):
    runs = 0

    def export(self) -> list[dict[str, Any]]:
        self.runs += 1
        return [] if self.runs % 2 == 0 else super().export()
