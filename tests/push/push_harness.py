"""A federation with the sender of pushes on a log of the test's choice, and a clock that runs fast."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.federation import Federation
from gateway.log.port import EventLog
from gateway.protocol import cursor as cursors
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner
from gateway.protocol.record import offer_record
from gateway.protocol.subscription import SigningKey, Subscription
from gateway.protocol.topic import OFFERS
from gateway.protocol.visibility import Filter, Reader
from gateway.push.book import SubscriptionBook
from gateway.push.follower import PushParts
from gateway.push.sender import run_sender
from gateway.push.signature import signing_secret
from tests.clock import START
from tests.harness import built, until
from tests.push.endpoint import Endpoint
from tests.store.offer_topic import OfferTopic, offer_of

READER = Partner(platform="normandie", name="Normandie", scopes=frozenset({"offers:read"}), joined_at=1)


@dataclass
class FastClock:
    """A clock that runs ``speed`` times as fast as the machine's; a test may also move it."""

    speed: float = 1.0
    moved: int = 0
    began: float = field(default_factory=time.monotonic)

    def __call__(self) -> int:
        return START + self.moved + round((time.monotonic() - self.began) * self.speed * 1_000)


@dataclass
class PushHarness:
    """A replica with its sender. ``start`` may be called again after ``kill``."""

    federation: Federation
    clock: FastClock
    topic: OfferTopic
    book: SubscriptionBook
    counts: list[str] = field(default_factory=list)
    tasks: list[asyncio.Future[Any]] = field(default_factory=list)

    def start(self) -> None:
        """Begin to push."""
        parts = PushParts(
            identity=self.federation.identity,
            secret=self.federation.secret,
            partners=self.federation.partners,
            book=self.book,
            view=self.federation.offers,
            clock=self.clock,
            look=0.02,
            count=self.counts.append,
        )
        self.tasks = [
            asyncio.ensure_future(self.book.run()),
            asyncio.ensure_future(self.federation.partners.run()),
            asyncio.ensure_future(run_sender(self.federation.log, parts)),
        ]

    async def kill(self) -> None:
        """End it, wherever it is."""
        for task in self.tasks:
            task.cancel()
        ends = await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def subscribe(self, endpoint: Endpoint, name: str = "copie", **settings: Any) -> Subscription:
        """A subscription to an endpoint, confirmed, whose secret the endpoint knows."""
        partner = self.federation.partners.get(READER.platform) or READER
        one = Subscription(
            id=f"{len(self.counts)}{name}{self.clock()}",
            name=name,
            url=endpoint.url,
            keys=(SigningKey(nonce=f"{self.clock():032x}"),),
            **{"confirmed": True, "consent": "00", **settings},
        )
        await self.book.change(partner.platform, partner.joined_at, lambda own: own.put(one))
        endpoint.secrets.append(signing_secret(self.federation.secret, partner.platform, one, one.keys[0]))
        endpoint.clock = self.clock
        return one

    async def set(self, name: str = "copie", **settings: Any) -> Subscription:
        """Other settings of a subscription; a callable is applied to the present value."""

        def edit(own: Any) -> Any:
            one = own.get(name)
            values = {key: value(getattr(one, key)) if callable(value) else value for key, value in settings.items()}
            return own.put(replace(one, **values))

        after = await self.book.change(READER.platform, READER.joined_at, edit)
        found = after.get(name)
        assert found is not None
        return found

    async def publish(self, number: int, **wishes: Any) -> None:
        """Publish an offer, as the relay writes it."""
        state = self.topic.publish(offer_of(f"bretagne:{number}", **wishes))
        partition = partition_of(state.id, self.federation.log.partitions)
        await self.federation.log.append(OFFERS, partition, [offer_record(state)])

    async def withdraw(self, number: int) -> None:
        """Withdraw an offer, as the relay writes it."""
        state = self.topic.withdraw(f"bretagne:{number}")
        partition = partition_of(state.id, self.federation.log.partitions)
        await self.federation.log.append(OFFERS, partition, [offer_record(state)])

    async def feed(self) -> dict[str, Any]:
        """The live offers that the subscriber may read, as the feed shows them."""
        view = self.federation.offers
        await view.reached(await self.federation.log.ends(OFFERS), 10)
        ends = view.positions
        cursor = cursors.start(end=ends, now=0, criteria=Filter(), reader=Reader("normandie"), log="")
        changes, _, more = await view.changes(cursor, reader=Reader("normandie"), criteria=Filter(), limit=10_000)
        assert not more
        return {change["id"]: change["offer"] for change in changes if change["op"] == "upsert"}

    async def equal(self, *endpoints: Endpoint, seconds: float = 60) -> None:
        """Wait until each copy of each endpoint equals the feed."""

        async def holds() -> bool:
            feed = await self.feed()
            return all(endpoint.live() == feed == endpoint.forgetful for endpoint in endpoints)

        await until(holds, seconds=seconds)


@asynccontextmanager
async def pushing(
    folder: Path, log: EventLog, *, speed: float = 1.0, clock: FastClock | None = None
) -> AsyncIterator[PushHarness]:
    """A federation whose only reader is Normandie."""
    clock = clock or FastClock(speed)
    async with built(folder, log=log, clock=clock, partners=(READER,)) as harness:
        harness.start(OFFERS)
        await harness.ready()
        found = PushHarness(harness.federation, clock, OfferTopic(log.partitions), SubscriptionBook(log, loopback=True))
        found.start()
        try:
            yield found
        finally:
            await found.kill()
            await found.book.close()
