"""Wrong publishers by batch: the form of a batch, its answers, and its keys."""

import asyncio
import gzip
from typing import Any

import orjson

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_kinds import BatchPublisher, KeyedPublisher


@wrong("PUB-014", "compresses a batch without saying so")
class HidesCompression(BatchPublisher):
    def lines(self, items: list[dict[str, Any]]) -> bytes:
        return gzip.compress(super().lines(items))


@wrong("PUB-014", "says that a batch is compressed, and does not compress it")
class ClaimsCompression(BatchPublisher):
    def headers(self, items: list[dict[str, Any]]) -> dict[str, str]:
        return {**super().headers(items), "Content-Encoding": "gzip"}


@wrong("PUB-014", "breaks its documents over several lines of NDJSON")
class IndentsItems(BatchPublisher):
    def encode(self, body: Any) -> bytes:
        return orjson.dumps(body, option=orjson.OPT_INDENT_2)


@wrong("PUB-014", "wraps the items in an object")
class WrapsItems(BatchPublisher):
    def lines(self, items: list[dict[str, Any]]) -> bytes:
        return orjson.dumps({"offers": items})

    def headers(self, _items: list[dict[str, Any]]) -> dict[str, str]:
        return {"Content-Type": "application/json"}


@wrong("ERR-004", "sends a batch as a form")
class SendsForms(BatchPublisher):
    def headers(self, _items: list[dict[str, Any]]) -> dict[str, str]:
        return {"Content-Type": "application/x-www-form-urlencoded"}


@wrong("PUB-013", "sends only the last item again after 503")
class SendsTheLastItemAgain(BatchPublisher):
    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        again = await super().repeats(status, answer, retry)
        if again and status == 503:
            del self.queue[:-1]
        return again


@wrong("PUB-011", "drops a whole batch when one of its items is refused")
class DropsRefusedBatches(BatchPublisher):
    async def work(self) -> None:
        collected = 0
        while collected < len(self.queue):  # orders that follow each other come into one batch, however slowly
            collected = len(self.queue)
            await asyncio.sleep(1)
        items = list(self.queue)
        if not await self.repeats(*await self.upload(items)):
            del self.queue[: len(items)]


@wrong("PUB-011", "sends a partial batch again without end when one of its items is refused")
class RepeatsPartialBatches(BatchPublisher):
    query = "?partial=true"

    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        if status in {207, 422}:
            await self.wait(status, 0.02)
            return True
        return await super().repeats(status, answer, retry)


@wrong("PUB-012", "sends a batch when nothing has changed")
class SendsEmptyBatches(BatchPublisher):
    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.start(self.poll())

    async def poll(self) -> None:
        while True:
            await asyncio.sleep(0.3)
            await self.upload([])


@wrong("OFR-042", "writes the reason of a withdrawal under another name")
class NamesReasonsOtherwise(BatchPublisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        await self.enqueue({"id": offer_id, "revision": revision, "status": "withdrawn", "reason": "filled"})


@wrong("OFR-042", "withdraws in a batch with the whole offer")
class WithdrawsWholeOffers(BatchPublisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        await self.enqueue({**self.document(offer_id, revision), "withdrawn": "filled"})


@wrong("WDR-001", "leaves withdrawals out of its batches")
class BatchesOffersOnly(BatchPublisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        pass


@wrong("PUB-043", "uses one Idempotency-Key for all its batches")
class SharesOneKey(KeyedPublisher):
    def key_of(self, _content: bytes) -> str:
        return "lot-du-jour"


@wrong("PUB-040", "writes accents and blanks into its Idempotency-Key")
class WritesForeignKeys(KeyedPublisher):
    def key_of(self, content: bytes) -> str:
        return f"synchronisation é {super().key_of(content)}"


@wrong("PUB-040", "makes an Idempotency-Key of all ids of the batch")
class MakesLongKeys(KeyedPublisher):
    def headers(self, items: list[dict[str, Any]]) -> dict[str, str]:
        key = "-".join(f"{item['id']}:{item['revision']}" for item in items)
        return {**super().headers(items), "Idempotency-Key": key.ljust(129, "-")}
