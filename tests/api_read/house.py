"""A gateway that only reads, on a log in memory: real views and tails, and a verifier that believes what it is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from adapters.rendering import renderings
from gateway.api.app import build_app
from gateway.api.context import Context, Limits
from gateway.partners import Partners
from gateway.ports import Claims, TokenError
from gateway.positions import Positions
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import SCOPES, Partner
from gateway.protocol.receipt import ReceiptIds
from gateway.protocol.record import Record, offer_record, position_record
from gateway.protocol.seal import Seal
from gateway.protocol.topic import COMMON, DAY_MS, DELIVERIES, OFFERS, POSITIONS, RECEIPTS, RUNS, SUBMISSIONS
from gateway.snapshot import Snapshots
from gateway.submissions import Submissions
from gateway.views import DeliveryView, OfferView, ReceiptView, RunView, Tail
from gateway.views.view import View
from tests.slept import SleptLog
from tests.views.world import World, receipt_record

SECRET = b"a secret of thirty-two bytes or so"


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.at = 20_000 * DAY_MS

    def __call__(self) -> int:
        return self.at


class Believing:
    """A token is the name of a platform, with its scopes behind a slash if it has not all of them."""

    async def verify(self, token: str) -> Claims:
        if token == "forged":
            raise TokenError("forged")
        platform, _, scopes = token.partition("/")
        return Claims(platform, frozenset(scopes.split("+") if scopes else SCOPES), 1 << 40)


class Answer:
    """What came back."""

    def __init__(self, response: ClientResponse, body: Any) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = body


class House:
    """The parts, and what a test does with them."""

    def __init__(
        self, context: Context, log: SleptLog, client: TestClient[web.Request, web.Application], clock: Clock
    ) -> None:
        self.context = context
        self.log = log
        self.clock = clock
        self.world = World()
        self.client = client
        self._tail: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, **limits: Any) -> "AsyncIterator[House]":
        clock = Clock()
        log = SleptLog(clock=clock)
        await log.create_topics(COMMON)
        identity = await log.identity()
        partners, positions, ids = Partners(log), Positions(log), ReceiptIds(SECRET)
        for partner in (
            Partner(platform="bretagne", name="IDÉO", scopes=frozenset(SCOPES)),
            Partner(platform="normandie", name="Normandie", scopes=frozenset(SCOPES)),
            Partner(platform="rennes", name="Rennes", scopes=frozenset(SCOPES), territory=frozenset({"35"})),
            Partner(platform="national", name="1 élève, 1 stage", scopes=frozenset(SCOPES)),
            Partner(platform="nothing", name="Without scopes", scopes=frozenset()),
        ):
            await partners.save(partner)
        async with AsyncExitStack() as stack:
            seen = await OfferView.open(folder / "offers.sqlite", log_identity=identity, partitions=log.partitions)
            stack.push_async_callback(seen.close)
            told = await ReceiptView.open(folder / "receipts.sqlite", log_identity=identity, partitions=log.partitions)
            stack.push_async_callback(told.close)
            delivered = await DeliveryView.open(
                folder / "deliveries.sqlite", log_identity=identity, partitions=log.partitions
            )
            stack.push_async_callback(delivered.close)
            runs = await RunView.open(folder / "runs.sqlite", log_identity=identity, partitions=log.partitions)
            stack.push_async_callback(runs.close)
            submissions = Submissions(log, ids=ids, clock=clock)
            marks = Seal(SECRET, purpose="marks")
            context = Context(
                log=log,
                identity=identity,
                submissions=submissions,
                partners=partners,
                verifier=Believing(),
                offers=seen,
                receipts=told,
                receipt_ids=ids,
                deliveries=delivered,
                runs=runs,
                positions=positions,
                snapshots=Snapshots(
                    log, submissions=submissions, offers=seen, positions=positions, ids=ids, seal=marks, clock=clock
                ),
                cursors=Seal(SECRET, purpose="cursors"),
                limits=Limits(**limits),
                clock=clock,
                spool=folder,
                renderings=renderings("https://gateway.example"),
                require_certificate=None,
            )
            client = TestClient(TestServer(build_app(context)))
            await stack.enter_async_context(client)
            house = cls(context, log, client, clock)
            house.go_on()
            tails = [Tail(log, topic, view, clock=clock) for topic, view in house.views().items() if topic != OFFERS]
            tasks = [asyncio.create_task(run()) for run in (*(tail.run for tail in tails), positions.run)]
            stack.push_async_callback(_cancel, tasks)
            stack.push_async_callback(house.hold_back)
            async with asyncio.timeout(10):
                while not all(view.fresh for view in house.views().values()):
                    await asyncio.sleep(0.005)
            yield house

    async def get(self, path: str, who: str | None = "rennes", *, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask, as a platform."""
        proof = {"Authorization": f"Bearer {who}"} if who else {}
        async with self.client.get(path, headers={**proof, **(headers or {})}) as response:
            json = response.content_type.endswith("json")
            return Answer(response, await response.json(content_type=None) if json else await response.text())

    def views(self) -> dict[str, View]:
        """The views, by topic."""
        context = self.context
        return {
            OFFERS: context.offers,
            RECEIPTS: context.receipts,
            DELIVERIES: context.deliveries,
            RUNS: context.runs,
        }

    @asynccontextmanager
    async def filling(self, topic: str) -> "AsyncIterator[House]":
        """The same while the view of this topic is being filled: it has read nothing yet."""
        context = self.context
        view = await type(self.views()[topic]).open(
            context.spool / f"{topic}-anew.sqlite", log_identity=context.identity, partitions=context.log.partitions
        )
        try:
            changes: dict[str, Any] = {topic: view}
            context = replace(context, **changes)
            async with TestClient(TestServer(build_app(context))) as client:
                yield House(context, self.log, client, self.clock)
        finally:
            await view.close()

    def go_on(self) -> None:
        """Feed the view of offers from the log."""
        tail = Tail(self.context.log, OFFERS, self.context.offers, clock=self.clock)
        self._tail = asyncio.create_task(tail.run())

    async def hold_back(self) -> None:
        """Feed it no more: the log goes on without it."""
        if self._tail is not None:
            await _cancel([self._tail])

    async def publish(self, offer: Mapping[str, Any], *, wait: bool = True, **how: Any) -> None:
        """Put an offer on the log, and wait for the view."""
        await self.put(OFFERS, offer_record(self.world.publish(offer, **how)), wait=wait)

    async def withdraw(self, offer_id: str, reason: str = "filled") -> None:
        """Put a marker on the log, and wait for the view."""
        await self.put(OFFERS, offer_record(self.world.withdraw(offer_id, reason)))

    async def receive(self, receipt: str, offer_id: str, publisher: str, **more: Any) -> None:
        """Put a receipt on the log, and wait for the view."""
        await self.put(RECEIPTS, receipt_record(receipt, offer_id, publisher, **more))

    async def put(self, topic: str, record: Record, *, wait: bool = True) -> None:
        """Append a record, and wait until the topic's view has it."""
        log = self.context.log
        await log.append(topic, partition_of((record.key or b"").decode(), log.partitions), [record])
        view = self.views().get(topic)
        if view is not None and wait:
            assert await view.reached(await log.ends(topic), 10)

    async def relay_reads_everything(self) -> None:
        """As if the relay had decided all submissions."""
        ends = await self.context.log.ends(SUBMISSIONS)
        for partition, end in enumerate(ends):
            await self.context.log.append(POSITIONS, partition, [position_record(SUBMISSIONS, partition, end)])


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
