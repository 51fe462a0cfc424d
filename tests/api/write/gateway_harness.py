"""A whole gateway on a log in memory, over real HTTP: real partners, relay, views, and a simple verifier."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientSession, web

from gateway.api.app import build_app
from gateway.api.context import Context, Limits
from gateway.api.malformed_http import ProblemRunner
from gateway.api.management import METRICS
from gateway.api.work import WORK_REGISTRY, WorkRegistry
from gateway.clock import Clock
from gateway.errors import LogUnavailableError
from gateway.log.port import Appended
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import DAY_MS, OFFERS, RECEIPTS, SUBMISSIONS
from tests.clock import START, ManualClock
from tests.harness import ALL, RELAY, SECRET, Harness, built, records_of
from tests.memory_log import MemoryLog

PLATFORMS = ("bretagne", "normandie")


def offer(number: int | str = 1, revision: int = 1, *, platform: str = "bretagne", **wishes: Any) -> dict[str, Any]:
    """A complete offer without any problem."""
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
    """An answer: status, headers and body."""

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


class GatewayHarness:
    """The gateway's parts, its log and an HTTP client."""

    def __init__(
        self,
        harness: Harness,
        context: Context,
        log: Log,
        clock: ManualClock,
        url: str,
        session: ClientSession,
        office: WorkRegistry,
    ) -> None:
        self.harness = harness
        self.context = context
        self.log = log
        self.clock = clock
        self.url = url
        self.metrics = harness.federation.metrics
        self.office = office
        self._session = session

    async def decide_no_more(self) -> None:
        """Stop the relay: submissions from now on stay undecided."""
        assert RELAY in self.harness.tasks
        await self.harness.stop(RELAY)

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
        """Send a request as a platform. ``json`` is sent as JSON, ``body`` as given."""
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
        return await records_of(self.log, topic)

    async def submitted(self) -> list[dict[str, Any]]:
        """The submissions on the log."""
        return [orjson.loads(record.value or b"") for record in await self.records(SUBMISSIONS)]

    async def settled(self) -> None:
        """Wait until every submission is decided and visible."""
        async with asyncio.timeout(10):
            ends = await self.log.ends(SUBMISSIONS)
            assert await self.context.federation.positions.reached(SUBMISSIONS, ends, timeout=10)
            assert await self.context.federation.offers.reached(await self.log.ends(OFFERS), 10)
            assert await self.context.federation.receipts.reached(await self.log.ends(RECEIPTS), 10)

    async def live(self, platform: str = "bretagne") -> list[str]:
        """The ids of a platform's live offers."""
        await self.settled()
        answer = await self.ask("GET", f"/v1/offers?platform={platform}&limit=1000", who=platform)
        return sorted(document["id"] for document in answer.body["offers"])


@asynccontextmanager
async def opened(
    folder: Path, *, limits: Limits | None = None, working: bool = True, require_certificate: date | None = None
) -> AsyncIterator[GatewayHarness]:
    """A running gateway. ``working`` false: no relay and no views run. ``require_certificate``: the first day
    on which publishing needs one.
    """
    clock = ManualClock()
    log = Log(clock=clock)
    partners = [Partner(platform=platform, name=platform, scopes=frozenset(SCOPES)) for platform in PLATFORMS]
    partners.append(Partner(platform="gone", name="Gone", scopes=frozenset(SCOPES), revoked=True))
    async with AsyncExitStack() as stack:
        harness = await stack.enter_async_context(
            built(folder, log=log, clock=clock, partners=partners, require_certificate=require_certificate)
        )
        if working:
            harness.start(*ALL)
        context = harness.context(limits)
        app = build_app(context)
        app[METRICS] = harness.federation.metrics
        runner = ProblemRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        session = await stack.enter_async_context(ClientSession(auto_decompress=True))
        await harness.ready()
        yield GatewayHarness(
            harness, context, log, clock, f"http://127.0.0.1:{runner.addresses[0][1]}", session, app[WORK_REGISTRY]
        )


__all__ = ["DAY_MS", "SECRET", "START", "Answer", "GatewayHarness", "Log", "ndjson", "offer", "opened"]
