"""Transports of a platform's offers to the gateway, one class each.

Each counts its refused offers as the platform's own system would, from the gateway's answers, and the problem codes.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import Any, Protocol, TypeAlias

import orjson
from aiokafka import AIOKafkaProducer

from adapters.pull.pulls import order_run
from demo.balance import Document
from demo.client import NDJSON, Client, ClientAnswer
from demo.traffic import ChangeSet
from gateway import clock
from gateway.log.port import EventLog
from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN
from gateway.protocol.source_run import RunOrder, SourceRun

_BATCH = 40
_AT_ONCE = 8
_PAUSE = 0.05
"""Pause between two requests of one platform in seconds, so that progress is visible."""
_WITHIN = 90.0
StoreFeed: TypeAlias = Callable[[Sequence[Document]], Awaitable[None]]
"""Stores offers as a feed for the gateway to fetch."""


@dataclass(slots=True)
class RefusalCounts:
    """Count, severity and first message in French of each problem code."""

    counts: Counter[str] = field(default_factory=Counter)
    severities: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, problem: Mapping[str, Any], times: int = 1) -> None:
        """Count a problem of an answer; its message is one text, or one by language."""
        code, message = problem["code"], problem["message"]
        self.counts[code] += times
        self.severities.setdefault(code, problem["severity"])
        self.messages.setdefault(code, message if isinstance(message, str) else message["fr"])


class ChannelError(Exception):
    """The gateway gave an unexpected answer; the message holds the offer or platform, and the answer."""


@dataclass(frozen=True, slots=True)
class TrafficPace:
    """Pace of continuous traffic: ``changes`` at a time, then a pause of ``seconds``."""

    seconds: float
    changes: int


class Channel(Protocol):
    """Transport of one platform."""

    @property
    def pace(self) -> TrafficPace:
        """Its pace: slower where each change sends the whole set."""

    @property
    def refused(self) -> int:
        """Number of refused offers in the gateway's answers."""

    async def send(self, changes: ChangeSet) -> None:
        """Send the changes and count refusals. Raises ChannelError, ClientError."""


class _Pushed:
    """Transport by a platform's own calls, with its refused ids; a document sent again is not counted twice."""

    def __init__(self, client: Client, reasons: RefusalCounts) -> None:
        self._client = client
        self._reasons = reasons
        self._refused: set[str] = set()
        self._warned: set[str] = set()

    @property
    def refused(self) -> int:
        return len(self._refused)

    def _take(self, offer_id: str, problems: Sequence[Mapping[str, Any]], *, refused: bool) -> None:
        if not refused:
            self._refused.discard(offer_id)  # it was corrected
        known = self._refused if refused else self._warned
        if problems and offer_id not in known:
            for problem in problems:
                self._reasons.add(problem)
            known.add(offer_id)

    def _take_results(self, sent: Sequence[Document], answer: ClientAnswer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        statuses = body.get("statuses", "")
        if len(statuses) != len(sent):
            raise ChannelError(f"{len(sent)} offers were answered {answer.explain()}")
        for result in body["results"]:
            refused = result["status"] == "refused"
            self._take(sent[result["index"]]["id"], result.get("problems", ()), refused=refused)
        # The answer omits the problems of some refused offers, and corrected ones have none.
        for document, letter in zip(sent, statuses, strict=True):
            (self._refused.add if letter == "r" else self._refused.discard)(document["id"])


class Puts(_Pushed):
    """One request per offer, PUT and DELETE."""

    pace = TrafficPace(1.5, 1)

    def __init__(self, client: Client, reasons: RefusalCounts) -> None:
        super().__init__(client, reasons)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def send(self, changes: ChangeSet) -> None:
        """Send one request per change. Raises ChannelError, ClientError."""
        await asyncio.gather(*map(self._send_one, changes.lines()))

    async def _send_one(self, document: Document) -> None:
        address = f"/v1/offers/{document['id']}"
        async with self._slots:
            if "withdrawn" in document:
                parameters = {"revision": str(document["revision"]), "reason": document["withdrawn"]}
                answer = await self._client.call("DELETE", address, params=parameters)
            else:
                answer = await self._client.call("PUT", address, body=orjson.dumps(document))
            await asyncio.sleep(_PAUSE)
        if answer.status not in {HTTPStatus.ACCEPTED, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise ChannelError(f"{document['id']} was answered {answer.explain()}")
        refused = answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
        self._take(document["id"], answer.body.get("problems", ()), refused=refused)


class Batches(_Pushed):
    """Changes in batches with ``partial``: invalid offers are refused, the others accepted."""

    pace = TrafficPace(4, 3)

    async def send(self, changes: ChangeSet) -> None:
        """Send all changes in order. Raises ChannelError, ClientError."""
        lines = changes.lines()
        while sent := list(islice(lines, _BATCH)):
            answer = await self._client.call(
                "POST", "/v1/offers/batch", params={"partial": "true"}, body=_joined(sent), media_type=NDJSON
            )
            self._take_results(sent, answer)
            await asyncio.sleep(_PAUSE)


class SnapshotChannel(_Pushed):
    """The complete set each time; the gateway withdraws absent offers."""

    pace = TrafficPace(8, 4)

    async def send(self, changes: ChangeSet) -> None:
        """Send the complete set. Raises ChannelError, ClientError."""
        self._take_results(changes.everything, await self.send_set(changes.everything))

    async def send_set(self, documents: Sequence[Document]) -> ClientAnswer:
        """Send these documents as the complete set; returns the answer. Raises ClientError."""
        taken = await self._client.call("POST", "/v1/snapshots/marks")
        body = _joined([*documents, {"count": len(documents)}])
        return await self._client.call(
            "POST", "/v1/snapshots", params={"mark": taken.body["mark"]}, body=body, media_type=NDJSON
        )


class Inbox(_Pushed):
    """Events on the platform's Kafka inbox topic; outcomes come from its receipts."""

    pace = TrafficPace(4, 3)

    def __init__(self, client: Client, reasons: RefusalCounts, *, servers: str, topic: str) -> None:
        super().__init__(client, reasons)
        self._servers = servers
        self._topic = topic
        self._cursor: dict[str, str] = {}

    async def send(self, changes: ChangeSet) -> None:
        """Send one event per change and wait for the receipts. Raises ChannelError, ClientError, TimeoutError."""
        waiting = set()
        async with AIOKafkaProducer(bootstrap_servers=self._servers, enable_idempotence=True, acks="all") as producer:
            for document in changes.lines():
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
            raise ChannelError(f"the receipts were answered {answer.explain()}")
        for receipt in answer.body["receipts"]:
            self._take(receipt["id"], receipt.get("problems", ()), refused=receipt["verdict"] == "rejected")
        self._cursor = {"cursor": answer.body["cursor"]}
        return {receipt["id"] for receipt in answer.body["receipts"]}


class Pulled:
    """A feed that the gateway fetches on order; ``last`` is the last run."""

    pace = TrafficPace(12, 5)

    def __init__(self, log: EventLog, platform: str, keep: StoreFeed, reasons: RefusalCounts) -> None:
        self._log = log
        self._platform = platform
        self._keep = keep
        self._reasons = reasons
        self._counted: Counter[tuple[str, str]] = Counter()
        self.last: SourceRun | None = None

    @property
    def refused(self) -> int:
        """Number of refused offers in the last run of the feed."""
        return 0 if self.last is None else self.last.counts.refused

    async def send(self, changes: ChangeSet) -> None:
        """Store the feed, order a run and count refusals. Raises ChannelError."""
        await self._keep(changes.everything)
        run = await self.fetch()
        if run.outcome not in {"applied", "unchanged"}:
            why = run.last_error.en if run.last_error else ""
            raise ChannelError(f"the feed of {self._platform} is {run.outcome}: {why}")
        if run.outcome == "applied":  # an unchanged feed is not read: it keeps its counts
            self.last = run
        for problem in run.problems:
            about, count = (problem["code"], problem["pointer"]), problem["count"]
            if count > self._counted[about]:
                self._reasons.add(problem, count - self._counted[about])
                self._counted[about] = count

    async def fetch(self) -> SourceRun:
        """Order a run of the present feed; returns its result. Raises ChannelError when it times out."""
        order = RunOrder(platform=self._platform, id=secrets.token_hex(4), ordered_at=clock.now())
        run = await order_run(self._log, order, seconds=_WITHIN)
        if run is None:
            raise ChannelError(f"the feed of {self._platform} was not fetched in time")
        return run


def _joined(documents: Iterable[Document]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in documents)
