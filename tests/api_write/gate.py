"""A whole gateway on a log in memory, asked over real HTTP: real partners, relay, views, and a simple verifier."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession, web

from adapters.rendering import renderings
from gateway.api.app import build_app
from gateway.api.context import Context, Limits
from gateway.api.management import METRICS, Metrics
from gateway.api.server import ProblemRunner
from gateway.api.work import OFFICE, Office
from gateway.memory import MemoryLog
from gateway.partners import Partners
from gateway.ports import Appended, Claims, LogUnavailableError, TokenError
from gateway.positions import Positions
from gateway.processor import Processor
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.receipt import ReceiptIds
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.seal import Seal
from gateway.protocol.topic import COMMON, DAY_MS, DELIVERIES, OFFERS, RECEIPTS, RUNS, SUBMISSIONS
from gateway.relay import Relay
from gateway.snapshot import Snapshots
from gateway.submissions import Submissions
from gateway.views import DeliveryView, OfferView, ReceiptView, RunView, Tail
from gateway.views.view import View

SECRET = b"a secret of thirty-two bytes or so"
START = 1_796_000_000_000  # 2026-11-30
PLATFORMS = ("bretagne", "normandie")


def offer(number: int | str = 1, revision: int = 1, *, platform: str = "bretagne", **wishes: Any) -> dict[str, Any]:
    """A whole offer that every rule is content with."""
    return {
        "id": f"{platform}:{number}",
        "revision": revision,
        "title": "Découverte d'un atelier de menuiserie",
        "description": "Observer la fabrication d'un meuble, du dessin à la pose.",
        "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
        "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s5",
        "apply_url": f"https://stages.example/offres/{number}",
        **wishes,
    }


def ndjson(*documents: Any) -> bytes:
    """Documents as lines."""
    return b"".join(orjson.dumps(document) + b"\n" for document in documents)


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at


class Tokens:
    """A token is a platform's name, with its scopes behind a slash if it has not all of them."""

    async def verify(self, token: str) -> Claims:
        platform, _, scopes = token.partition("/")
        if not platform.isalpha():
            raise TokenError("unreadable")
        granted = frozenset(scope for scope in SCOPES if not scopes or scope in scopes.split("+"))
        return Claims(platform, granted, 1 << 41)


class Log(MemoryLog):
    """A log in memory, some of whose topics can be made to refuse writes."""

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.refusing: set[str] = set()

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        if topic in self.refusing:
            raise LogUnavailableError("refused by the test")
        return await super().append(topic, partition, records)


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = body

    @property
    def body(self) -> Any:
        return orjson.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        assert self.headers["Content-Type"] == "application/problem+json"
        return str(self.body["code"])


class Gate:
    """The parts, and what a test does with them."""

    def __init__(self, context: Context, log: Log, clock: Clock, url: str, session: ClientSession) -> None:
        self.context = context
        self.log = log
        self.clock = clock
        self.url = url
        self.metrics = Metrics()
        self.office = Office(Processor())
        self.deciding: asyncio.Task[None] | None = None
        self._session = session

    async def decide_no_more(self) -> None:
        """Stop the relay: what is handed in from now on stays undecided."""
        assert self.deciding is not None
        await _cancel([self.deciding])

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def ask(
        self,
        method: str,
        path: str,
        *,
        who: str | None = "bretagne",
        body: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, as a platform. ``json`` is sent as JSON, ``body`` as it is."""
        sent: dict[str, str] = {"Authorization": f"Bearer {who}"} if who else {}
        if json is not None:
            body, sent["Content-Type"] = orjson.dumps(json), "application/json"
        sent |= headers or {}
        if isinstance(body, bytes):
            body, sent["Content-Length"] = BytesIO(body), str(len(body))
        async with self._session.request(
            method, self.url + path, data=body, headers=sent, skip_auto_headers=("Content-Type",)
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def put(self, document: Mapping[str, Any], *, query: str = "", **more: Any) -> Answer:
        """Put an offer and wait for the decision."""
        headers = {"Prefer": "wait=10", **more.pop("headers", {})}
        return await self.ask("PUT", f"/v1/offers/{document['id']}{query}", json=document, headers=headers, **more)

    async def batch(self, body: Any, *, query: str = "", zipped: bool = False, **more: Any) -> Answer:
        """Post a batch of lines."""
        headers = {"Content-Type": "application/x-ndjson", **more.pop("headers", {})}
        if zipped:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        return await self.ask("POST", f"/v1/offers/batch{query}", body=body, headers=headers, **more)

    async def mark(self, **more: Any) -> str:
        """Take a mark."""
        answer = await self.ask("POST", "/v1/snapshots/marks", **more)
        assert answer.status == 201, answer.raw
        return str(answer.body["mark"])

    async def snapshot(
        self,
        mark: str,
        *documents: Any,
        count: int | None = None,
        confirm: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a complete set, with the right count unless another is given."""
        lines = ndjson(*documents, {"count": len(documents) if count is None else count})
        query = f"?mark={mark}" + ("" if confirm is None else f"&confirm={confirm}")
        sent = {"Content-Type": "application/x-ndjson", **(headers or {})}
        return await self.ask("POST", f"/v1/snapshots{query}", body=lines, headers=sent)

    async def records(self, topic: str) -> list[StoredRecord]:
        """Everything on a topic."""
        ends = await self.log.ends(topic)
        at = dict(enumerate(await self.log.starts(topic)))
        found: list[StoredRecord] = []
        async with self.log.reader({(topic, p): start for p, start in at.items()}) as reader:
            while any(at[p] < end for p, end in enumerate(ends)):
                for chunk in await reader.poll(limit=1_000, wait=0.1):
                    found += chunk.records
                    at[chunk.partition] = chunk.position
        return found

    async def submitted(self) -> list[dict[str, Any]]:
        """What was handed in."""
        return [orjson.loads(record.value or b"") for record in await self.records(SUBMISSIONS)]

    async def settled(self) -> None:
        """Wait until everything handed in is decided and visible."""
        async with asyncio.timeout(10):
            ends = await self.log.ends(SUBMISSIONS)
            assert await self.context.positions.reached(SUBMISSIONS, ends, timeout=10)
            assert await self.context.offers.reached(await self.log.ends(OFFERS), 10)
            assert await self.context.receipts.reached(await self.log.ends(RECEIPTS), 10)

    async def live(self, platform: str = "bretagne") -> list[str]:
        """The ids of a platform's live offers."""
        await self.settled()
        answer = await self.ask("GET", f"/v1/offers?platform={platform}&limit=1000", who=platform)
        return sorted(document["id"] for document in answer.body["offers"])


@asynccontextmanager
async def opened(
    folder: Path, *, limits: Limits | None = None, working: bool = True, require_certificate: date | None = None
) -> AsyncIterator[Gate]:
    """A running gateway. ``working`` false: nothing is decided, nothing shown. ``require_certificate``: the first day
    on which publishing needs one.
    """
    clock = Clock()
    log = Log(clock=clock)
    await log.create_topics(COMMON)
    identity = await log.identity()
    partners, positions, ids = Partners(log), Positions(log), ReceiptIds(SECRET)
    for platform in PLATFORMS:
        await partners.save(Partner(platform=platform, name=platform, scopes=frozenset(SCOPES)))
    await partners.save(replace(Partner(platform="gone", name="Gone", scopes=frozenset(SCOPES)), revoked=True))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(partners.close)
        offers = await OfferView.open(folder / "offers.sqlite", log_identity=identity, partitions=log.partitions)
        stack.push_async_callback(offers.close)
        receipts = await ReceiptView.open(folder / "receipts.sqlite", log_identity=identity, partitions=log.partitions)
        stack.push_async_callback(receipts.close)
        deliveries = await DeliveryView.open(
            folder / "deliveries.sqlite", log_identity=identity, partitions=log.partitions
        )
        stack.push_async_callback(deliveries.close)
        runs = await RunView.open(folder / "runs.sqlite", log_identity=identity, partitions=log.partitions)
        stack.push_async_callback(runs.close)
        submissions = Submissions(log, ids=ids, clock=clock)
        context = Context(
            log=log,
            identity=identity,
            submissions=submissions,
            partners=partners,
            verifier=Tokens(),
            offers=offers,
            receipts=receipts,
            receipt_ids=ids,
            deliveries=deliveries,
            runs=runs,
            positions=positions,
            snapshots=Snapshots(
                log,
                submissions=submissions,
                offers=offers,
                positions=positions,
                ids=ids,
                seal=Seal(SECRET, purpose="mark"),
                clock=clock,
            ),
            cursors=Seal(SECRET, purpose="cursor"),
            limits=limits or Limits(),
            clock=clock,
            spool=folder / "spool",
            renderings=renderings("https://gateway.example"),
            require_certificate=require_certificate,
        )
        relay = Relay(
            log,
            folder=folder / "relay",
            identity=identity,
            submissions=submissions,
            ids=ids,
            clock=clock,
            decided=lambda _: None,
        )
        views: dict[str, View] = {OFFERS: offers, RECEIPTS: receipts, DELIVERIES: deliveries, RUNS: runs}
        if working:
            parts: tuple[Positions | Relay | Tail, ...] = (
                positions,
                relay,
                *(Tail(log, topic, view, clock=clock) for topic, view in views.items()),
            )
            tasks = [asyncio.create_task(part.run()) for part in parts]
            stack.push_async_callback(_cancel, tasks)
        app = build_app(context)
        metrics = app[METRICS] = Metrics()
        runner = ProblemRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        session = await stack.enter_async_context(ClientSession(auto_decompress=True))
        gate = Gate(context, log, clock, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
        gate.metrics = metrics
        gate.office = app[OFFICE]
        if working:
            gate.deciding = tasks[1]
            async with asyncio.timeout(10):
                while not (all(view.caught_up for view in views.values()) and relay.ready and relay.partitions):
                    await asyncio.sleep(0.005)
        yield gate


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["DAY_MS", "START", "Answer", "Gate", "Log", "ndjson", "offer", "opened"]
