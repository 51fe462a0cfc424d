"""Ways in: how a platform makes the gateway know what it publishes, one class for each way.

Each counts the offers that it was told are refused, as its own platform knows them, and keeps the reasons.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import Any, Protocol, TypeAlias

import orjson
from aiokafka import AIOKafkaProducer

from adapters.pull.ordering import order_run
from gateway import clock
from gateway.client import NDJSON, Answer, Client
from gateway.demo.fate import Document
from gateway.demo.reason import Reasons
from gateway.log.port import EventLog
from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN
from gateway.protocol.run import Order, Run

_BATCH = 40
_AT_ONCE = 8
_PAUSE = 0.05
"""Between two requests of one platform, in seconds: so that one can watch."""
_WITHIN = 90.0


class WayError(Exception):
    """The gateway answered otherwise than it must; the message says whom, and how."""


@dataclass(frozen=True, slots=True)
class News:
    """What a platform tells: all that it publishes now, which of that is new or has changed, and what it takes back,
    each with the revision of its withdrawal.
    """

    everything: Sequence[Document]
    changed: Sequence[Document]
    gone: Mapping[str, int] = field(default_factory=dict)

    def lines(self) -> Iterator[Document]:
        """What a platform sends that tells changes only."""
        yield from self.changed
        for offer_id, revision in self.gone.items():
            yield {"id": offer_id, "revision": revision, "withdrawn": "cancelled"}


class Way(Protocol):
    """How one platform tells."""

    @property
    def refused(self) -> int:
        """How many of its offers the platform was told are refused."""

    async def tell(self, news: News) -> None:
        """Tell it, and take note of what is refused. Raises WayError, ClientError."""


class _Refusals:
    """The ids that were refused, and why; a resent document is not counted again."""

    def __init__(self, reasons: Reasons) -> None:
        self._reasons = reasons
        self._refused: set[str] = set()
        self._warned: set[str] = set()

    @property
    def refused(self) -> int:
        return len(self._refused)

    def _take(self, offer_id: str, problems: Sequence[Mapping[str, Any]], *, refused: bool) -> None:
        known = self._refused if refused else self._warned
        if problems and offer_id not in known:
            for problem in problems:
                self._reasons.add(problem)
            known.add(offer_id)

    def _take_results(self, sent: Sequence[Document], answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        statuses = body.get("statuses", "")
        if len(statuses) != len(sent):
            raise WayError(f"{len(sent)} offers were answered {answer.explain()}")
        for result in body["results"]:
            refused = result["status"] == "refused"
            self._take(sent[result["index"]]["id"], result.get("problems", ()), refused=refused)
        # Those whose problems the answer left out are refused all the same.
        self._refused |= {document["id"] for document, letter in zip(sent, statuses, strict=True) if letter == "r"}


class Puts(_Refusals):
    """One offer at a time, by PUT and DELETE."""

    def __init__(self, client: Client, reasons: Reasons) -> None:
        super().__init__(reasons)
        self._client = client
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def tell(self, news: News) -> None:
        """A request for each change."""
        await asyncio.gather(*map(self._send, news.lines()))

    async def _send(self, document: Document) -> None:
        address = f"/v1/offers/{document['id']}"
        async with self._turns:
            if "withdrawn" in document:
                asked = {"revision": str(document["revision"]), "reason": document["withdrawn"]}
                answer = await self._client.call("DELETE", address, params=asked)
            else:
                answer = await self._client.call("PUT", address, body=orjson.dumps(document))
            await asyncio.sleep(_PAUSE)
        if answer.status not in {HTTPStatus.ACCEPTED, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise WayError(f"{document['id']} was answered {answer.explain()}")
        refused = answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
        self._take(document["id"], answer.body.get("problems", ()), refused=refused)


class Batches(_Refusals):
    """What has changed, many in one request; wrong ones are refused, the others taken."""

    def __init__(self, client: Client, reasons: Reasons) -> None:
        super().__init__(reasons)
        self._client = client

    async def tell(self, news: News) -> None:
        """All changes, in order."""
        lines = news.lines()
        while sent := list(islice(lines, _BATCH)):
            answer = await self._client.call(
                "POST", "/v1/offers/batch", params={"partial": "true"}, body=_joined(sent), media_type=NDJSON
            )
            self._take_results(sent, answer)
            await asyncio.sleep(_PAUSE)


class Snapshots(_Refusals):
    """Everything, each time; what is missing is withdrawn."""

    def __init__(self, client: Client, reasons: Reasons) -> None:
        super().__init__(reasons)
        self._client = client

    async def tell(self, news: News) -> None:
        """The whole set."""
        self._take_results(news.everything, await self.send(news.everything))

    async def send(self, documents: Sequence[Document]) -> Answer:
        """The answer to these as the complete set."""
        taken = await self._client.call("POST", "/v1/snapshots/marks")
        body = _joined([*documents, {"count": len(documents)}])
        return await self._client.call(
            "POST", "/v1/snapshots", params={"mark": taken.body["mark"]}, body=body, media_type=NDJSON
        )


class Inbox(_Refusals):
    """Events on the platform's own Kafka topic; what became of each is read from its receipts."""

    def __init__(self, client: Client, reasons: Reasons, *, servers: str, topic: str) -> None:
        super().__init__(reasons)
        self._client = client
        self._servers = servers
        self._topic = topic
        self._cursor: dict[str, str] = {}

    async def tell(self, news: News) -> None:
        """An event for each change, and the wait for their receipts."""
        waiting = set()
        async with AIOKafkaProducer(bootstrap_servers=self._servers, enable_idempotence=True, acks="all") as producer:
            for document in news.lines():
                kind, body = TYPE_PUBLISHED, document
                if "withdrawn" in document:
                    body = {"id": document["id"], "revision": document["revision"], "reason": document["withdrawn"]}
                    kind = TYPE_WITHDRAWN
                waiting.add(document["id"])
                await producer.send(
                    self._topic, orjson.dumps(body), key=document["id"].encode(), headers=[("ce_type", kind.encode())]
                )
        async with asyncio.timeout(_WITHIN):
            while waiting:
                waiting -= await self._read_receipts()
                await asyncio.sleep(_PAUSE)

    async def _read_receipts(self) -> set[str]:
        answer = await self._client.call("GET", "/v1/receipts", params={"limit": "500", **self._cursor})
        if answer.status != HTTPStatus.OK:
            raise WayError(f"the receipts were answered {answer.explain()}")
        for receipt in answer.body["receipts"]:
            self._take(receipt["id"], receipt.get("problems", ()), refused=receipt["verdict"] == "rejected")
        self._cursor = {"cursor": answer.body["cursor"]}
        return {receipt["id"] for receipt in answer.body["receipts"]}


Keep: TypeAlias = Callable[[Sequence[Document]], Awaitable[None]]
"""Puts offers where the gateway fetches them from, as a feed."""


class Pulled:
    """A feed that the gateway fetches; here it is asked to do so now. ``last`` is what became of that."""

    def __init__(self, log: EventLog, platform: str, keep: Keep, reasons: Reasons) -> None:
        self._log = log
        self._platform = platform
        self._keep = keep
        self._reasons = reasons
        self._counted: Counter[tuple[str, str]] = Counter()
        self.last: Run | None = None

    @property
    def refused(self) -> int:
        """As the last run of its feed tells the platform."""
        return 0 if self.last is None else self.last.counts.refused

    async def tell(self, news: News) -> None:
        """Keep the feed, and have it fetched."""
        await self._keep(news.everything)
        run = await self.fetch()
        if run.outcome not in {"applied", "unchanged"}:
            why = run.last_error.en if run.last_error else ""
            raise WayError(f"the feed of {self._platform} is {run.outcome}: {why}")
        self.last = run
        for problem in run.problems:
            about, count = (problem["code"], problem["pointer"]), problem["count"]
            if count > self._counted[about]:
                self._reasons.add(problem, count - self._counted[about])
                self._counted[about] = count

    async def fetch(self) -> Run:
        """What becomes of the feed as it is. Raises WayError."""
        order = Order(platform=self._platform, id=secrets.token_hex(4), ordered_at=clock.now())
        run = await order_run(self._log, order, seconds=_WITHIN)
        if run is None:
            raise WayError(f"the feed of {self._platform} was not fetched in time")
        return run


def _joined(documents: Iterable[Document]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in documents)
