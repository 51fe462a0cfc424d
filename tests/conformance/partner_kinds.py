"""Other correct partners: publishers by batch and by snapshot, and subscribers with filters or generations."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.conformance.partner_fixtures import Publisher, Subscriber

_NDJSON = {"Content-Type": "application/x-ndjson"}
_COLLECT_SECONDS = 0.1


class WaitingPublisher(Publisher):
    """Waits for each decision."""

    async def exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any, float]:
        return await super().exchange(method, path, data, {**headers, "Prefer": "wait=10"})


class QueuedPublisher(Publisher):
    """Sends from one queue in one task, the oldest change first."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.queue: list[dict[str, Any]] = []
        self.working = False

    async def publish(self, document: dict[str, Any]) -> None:
        await self.enqueue(document)

    async def withdraw(self, offer_id: str, revision: int) -> None:
        await self.enqueue({"id": offer_id, "revision": revision, "withdrawn": "filled"})

    async def enqueue(self, item: dict[str, Any]) -> None:
        self.queue.append(item)
        if self.working:
            return
        self.working = True
        await asyncio.sleep(_COLLECT_SECONDS)
        while self.queue:
            await self.work()
        self.working = False

    async def work(self) -> None:
        """Send the oldest change; it leaves the queue once it is decided."""
        if not await self.repeats(*await self.send_item(self.queue[0])):
            self.queue.pop(0)

    async def send_item(self, item: dict[str, Any]) -> tuple[int, Any, float]:
        path = f"/v1/offers/{item['id']}"
        if "withdrawn" in item:
            return await self.send("DELETE", f"{path}?revision={item['revision']}&reason={item['withdrawn']}")
        return await self.send("PUT", path, item)


class BatchPublisher(QueuedPublisher):
    """Sends all that is queued in one batch. Where one item is refused, it leaves that one out and sends the rest."""

    query = ""

    async def work(self) -> None:
        items = list(self.queue)
        status, answer, retry = await self.upload(items)
        if await self.repeats(status, answer, retry):
            return
        refused = {item["index"] for item in (answer or {}).get("results", ()) if item["status"] == "refused"}
        done = refused if status == 422 and refused else set(range(len(items)))
        self.queue = [item for index, item in enumerate(items) if index not in done] + self.queue[len(items) :]

    async def upload(self, items: list[dict[str, Any]]) -> tuple[int, Any, float]:
        return await self.exchange("POST", f"/v1/offers/batch{self.query}", self.lines(items), self.headers(items))

    def lines(self, items: list[dict[str, Any]]) -> bytes:
        return b"".join(self.encode(item) + b"\n" for item in items)

    def headers(self, _items: list[dict[str, Any]]) -> dict[str, str]:
        return dict(_NDJSON)


class KeyedPublisher(BatchPublisher):
    """Gives each batch an Idempotency-Key, and repeats it with the batch."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.keys: dict[bytes, str] = {}

    def headers(self, items: list[dict[str, Any]]) -> dict[str, str]:
        return {**super().headers(items), "Idempotency-Key": self.key_of(self.lines(items))}

    def key_of(self, content: bytes) -> str:
        return self.keys.setdefault(content, str(uuid4()))

    async def repeats(self, status: int, answer: Any, retry: float) -> bool:
        if status == 409:
            await self.wait(status, retry)
            return True
        return await super().repeats(status, answer, retry)


class SnapshotPublisher(Publisher):
    """Publishes by snapshots only: after an order the export runs, one at a time, with a mark taken before it."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.live: dict[str, dict[str, Any]] = {}
        self.due = False
        self.running = False
        self.needs_confirmation = 0

    async def publish(self, document: dict[str, Any]) -> None:
        self.live[document["id"]] = document
        await self.run()

    async def withdraw(self, offer_id: str, _revision: int) -> None:
        self.live.pop(offer_id, None)
        await self.run()

    async def run(self) -> None:
        self.due = True
        if self.running:
            return
        self.running = True
        while self.due:
            self.due = False
            await self.run_once()
        self.running = False

    async def run_once(self) -> None:
        """One snapshot, until it is answered with an outcome."""
        mark = await self.take_mark()
        content = self.lines(self.export())
        key = str(uuid4())
        while True:
            status, answer, retry = await self.upload(mark, content, key)
            if status == 409 and answer.get("code") in {"snapshot-shrinks-too-much", "idempotency-running"}:
                if answer.get("would_withdraw") is not None:
                    self.needs_confirmation = answer["would_withdraw"]
                    return
                await self.wait(status, retry)
            elif not await self.repeats(status, answer, retry):
                self.read(answer)
                return

    async def take_mark(self) -> str:
        while True:
            status, answer, retry = await self.send("POST", "/v1/snapshots/marks")
            if status in {200, 201}:
                return str(answer["mark"])
            if not await self.repeats(status, answer, retry):
                await self.wait(status, retry)

    def export(self) -> list[dict[str, Any]]:
        return list(self.live.values())

    def lines(self, offers: list[dict[str, Any]]) -> bytes:
        lines = [*(self.encode(offer) for offer in offers), self.encode({"count": len(offers)})]
        return b"".join(line + b"\n" for line in lines)

    async def upload(self, mark: str, content: bytes, key: str) -> tuple[int, Any, float]:
        headers = {**_NDJSON, "Idempotency-Key": key}
        return await self.exchange("POST", f"/v1/snapshots?mark={mark}{self.confirmation()}", content, headers)

    def confirmation(self) -> str:
        return ""

    def read(self, answer: Any) -> None:
        """Read the outcome of the lines."""


class FilteringSubscriber(Subscriber):
    """Reads all of France, in pages of 500, with the same parameters on each page."""

    filters: Mapping[str, str] = {"territory": "all", "limit": "500"}


class GenerationSubscriber(Subscriber):
    """After a 410 reads from the start beside the old copy, and sweeps what it did not see once the end is reached."""

    def forget(self) -> None:
        super().forget()
        self.unseen: set[str] = set()
        self.again: set[str] = set()

    def resync(self) -> None:
        self.cursor = None
        self.unseen = set(self.held)
        self.again = set(self.applied)

    def is_seen(self, change: dict[str, Any]) -> bool:
        if change["id"] in self.again:
            self.again.discard(change["id"])
            return False
        return super().is_seen(change)

    def take(self, page: dict[str, Any]) -> bool:
        self.unseen -= {change["id"] for change in page["changes"]}
        more = super().take(page)
        if not more:
            for offer_id in self.unseen:
                del self.held[offer_id]
            self.unseen = set()
        return more


class SynchronousPublisher(Publisher):
    """Executes one order at a time, and answers it when it is delivered."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.one = asyncio.Lock()

    def start(self, work: Any) -> None:
        self.work = work

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        async with self.one:
            answer = await super().order(action, given)
            if action != "reset":
                await self.work
            return answer


class SynchronousSnapshotPublisher(SynchronousPublisher, SnapshotPublisher):
    """The same by snapshots."""


class NightlyPublisher(SnapshotPublisher):
    """Sends the whole set every now and then, whether something has changed or not."""

    night = 0.4

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.start(self.live_on())

    async def live_on(self) -> None:
        while True:
            await asyncio.sleep(self.night)
            if self.live:
                await self.run_once()

    async def run(self) -> None:
        """The night comes by itself."""


class StoppingSubscriber(Subscriber):
    """Stops at a failure, and goes on at the next time."""

    async def fail(self, _retry: float) -> bool:
        return False


class TransactionalSubscriber(StoppingSubscriber):
    """Stores what a reading brought, and its last cursor, at the end of the feed only."""

    async def sync(self) -> None:
        before = (dict(self.held), dict(self.applied), self.cursor)
        visible = dict(self.held)
        self.offers = lambda: visible  # type: ignore[method-assign]
        more = True
        while more:
            more = await self.read()
            if self.failed:
                self.held, self.applied, self.cursor = before
                self.failed = False
                break
        self.offers = lambda: self.held  # type: ignore[method-assign]

    failed = False

    async def fail(self, retry: float) -> bool:
        self.failed = True
        return await super().fail(retry)
