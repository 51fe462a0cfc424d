"""A read-only gateway on a log in memory: real views and view updaters, and a verifier that accepts any token."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api.app import build_app
from gateway.api.context import Context, Limits
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.record import Record, offer_record, position_record
from gateway.protocol.topic import DAY_MS, OFFERS, POSITIONS, RECEIPTS, SUBMISSIONS
from gateway.store.view import View
from tests.clock import ManualClock
from tests.harness import NAMES_MIRROR, POSITIONS_MIRROR, VIEWS, Harness, built
from tests.stale_ends import StaleEndsLog
from tests.store.offer_topic import OfferTopic, receipt_record

PARTNERS = (
    Partner(platform="bretagne", name="IDÉO", scopes=frozenset(SCOPES)),
    Partner(platform="normandie", name="Normandie", scopes=frozenset(SCOPES)),
    Partner(platform="rennes", name="Rennes", scopes=frozenset(SCOPES), territory=frozenset({"35"})),
    Partner(platform="national", name="1 élève, 1 stage", scopes=frozenset(SCOPES)),
    Partner(platform="nothing", name="Without scopes", scopes=frozenset()),
)


class Answer:
    """An answer with its decoded body."""

    def __init__(self, response: ClientResponse, body: Any) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body


class ReadApi:
    """The gateway's parts, its log and an HTTP client."""

    def __init__(
        self,
        harness: Harness,
        context: Context,
        log: StaleEndsLog,
        client: TestClient[web.Request, web.Application],
        clock: ManualClock,
    ) -> None:
        self.harness = harness
        self.context = context
        self.log = log
        self.clock = clock
        self.offer_topic = OfferTopic()
        self.client = client

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **limits: Any) -> "AsyncIterator[ReadApi]":
        clock = ManualClock(20_000 * DAY_MS)
        log = StaleEndsLog(clock=clock)
        async with AsyncExitStack() as stack:
            harness = await stack.enter_async_context(built(folder, log=log, clock=clock, partners=PARTNERS))
            context = harness.context(Limits(**limits))
            client = await stack.enter_async_context(TestClient(TestServer(build_app(context))))
            harness.start(POSITIONS_MIRROR, NAMES_MIRROR, *VIEWS)
            await harness.ready()
            yield cls(harness, context, log, client, clock)

    async def get(self, path: str, who: str | None = "rennes", *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request as a platform."""
        proof = {"Authorization": f"Bearer {who}"} if who else {}
        async with self.client.get(path, headers={**proof, **(headers or {})}) as response:
            json = response.content_type.endswith("json")
            return Answer(response, await response.json(content_type=None) if json else await response.text())

    def views(self) -> Mapping[str, View]:
        """The views, by topic."""
        return self.harness.views

    @asynccontextmanager
    async def filling(self, topic: str) -> "AsyncIterator[ReadApi]":
        """The same gateway while the view of this topic is being filled: it has read nothing yet."""
        context = self.context
        view = await type(self.views()[topic]).open(
            context.spool / f"{topic}-anew.sqlite",
            log_identity=context.federation.identity,
            partitions=context.federation.log.partitions,
        )
        try:
            changed: dict[str, Any] = {topic: view}
            context = replace(context, federation=replace(context.federation, **changed))
            async with TestClient(TestServer(build_app(context))) as client:
                yield ReadApi(self.harness, context, self.log, client, self.clock)
        finally:
            await view.close()

    def go_on(self) -> None:
        """Start the view of offers."""
        self.harness.start(OFFERS)

    async def hold_back(self) -> None:
        """Stop the view of offers: the log continues without it."""
        await self.harness.stop(OFFERS)

    async def publish(self, offer: Mapping[str, Any], *, wait: bool = True, **how: Any) -> None:
        """Put an offer on the log, and wait for the view."""
        await self.put(OFFERS, offer_record(self.offer_topic.publish(offer, **how)), wait=wait)

    async def withdraw(self, offer_id: str, reason: str = "filled") -> None:
        """Put a marker on the log, and wait for the view."""
        await self.put(OFFERS, offer_record(self.offer_topic.withdraw(offer_id, reason)))

    async def receive(self, receipt: str, offer_id: str, publisher: str, **more: Any) -> None:
        """Put a receipt on the log, and wait for the view."""
        await self.put(RECEIPTS, receipt_record(receipt, offer_id, publisher, **more))

    async def put(self, topic: str, record: Record, *, wait: bool = True) -> None:
        """Append a record, and wait until the topic's view has it."""
        log = self.context.federation.log
        await log.append(topic, partition_of((record.key or b"").decode(), log.partitions), [record])
        view = self.views().get(topic)
        if view is not None and wait:
            assert await view.reached(await log.ends(topic), 10)

    async def relay_reads_everything(self) -> None:
        """As if the relay had decided all submissions."""
        ends = await self.context.federation.log.ends(SUBMISSIONS)
        for partition, end in enumerate(ends):
            await self.context.federation.log.append(
                POSITIONS, partition, [position_record(SUBMISSIONS, partition, end)]
            )
