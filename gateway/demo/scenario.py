"""What happens in the demo: nine platforms publish, change and withdraw offers while three subscribers read along."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from random import Random

from gateway.demo.book import Book, Outcome, Reasons, Sending, Stopwatch
from gateway.demo.federation import Federation
from gateway.demo.generator import GeneratedOffer, generate, revised, withdrawal
from gateway.demo.publisher import Publisher
from gateway.demo.subscriber import Holding, follow_changes, follow_topic
from gateway.protocol.identity import NATIONAL

BATCH = 40
PAUSE = 0.1
"""Between two batches of one platform, in seconds: so that one can watch."""
SETTLE_SECONDS = 60.0
GENTLE = 0.4
_READING = ("bretagne", "ile-de-france")
_SNAPSHOT = "normandie"
_UPDATED, _WITHDRAWN, _ABSENT = 10, 25, 40
"""One live offer in so many is updated, withdrawn, or lacks in the snapshot."""


@dataclass(slots=True)
class Scenario:
    """The actors and all that is known of them; ``phase`` says what goes on."""

    federation: Federation
    on: date
    seed: int
    phase: str = "Starting"
    watch: Stopwatch = field(default_factory=Stopwatch)
    reasons: Reasons = field(default_factory=Reasons)
    publishers: list[Publisher] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    stock: dict[str, dict[str, GeneratedOffer]] = field(default_factory=dict)
    """Per platform the offers that it has, by id, in their last revision."""

    def __post_init__(self) -> None:
        for partner in self.federation.regions:
            book = Book(partner.platform, partner.name)
            client = self.federation.clients[partner.platform]
            self.publishers.append(Publisher(client, book, reasons=self.reasons, watch=self.watch))
        self.holdings.append(Holding(NATIONAL, frozenset(), watch=self.watch))
        for slug in _READING:
            self.holdings.append(Holding(slug, self.federation.partners[slug].territory))

    @property
    def books(self) -> list[Book]:
        """Every publisher's."""
        return [publisher.book for publisher in self.publishers]

    @property
    def surprises(self) -> list[str]:
        """Everything that went otherwise than it must."""
        told = [book.surprises for book in self.books] + [holding.surprises for holding in self.holdings]
        return list(chain.from_iterable(told))

    @property
    def difference(self) -> int:
        """How many offers any subscriber holds otherwise than its publishers expect."""
        return sum(holding.difference(self.books) for holding in self.holdings)

    @property
    def reconciled(self) -> bool:
        """Whether nothing is open, nothing differs and nothing went wrong."""
        return not self.difference and not self.surprises and not any(book.open for book in self.books)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Subscribers read, and publishers follow their receipts, as long as the block runs."""
        works: list[Awaitable[None]] = [publisher.follow() for publisher in self.publishers]
        national, *regions = self.holdings
        if self.federation.feed is None:
            works.append(follow_changes(self.federation.clients[NATIONAL], national))
        else:
            works.append(follow_topic(*self.federation.feed, national))
        works += [follow_changes(self.federation.clients[region.platform], region) for region in regions]
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def play(self, count: int) -> None:
        """The whole story, to the point where everything has settled (or a minute has passed)."""
        share = -(-count // len(self.publishers))
        steps: Sequence[tuple[str, Callable[[Publisher], Awaitable[None]]]] = (
            ("Nine platforms publish what they have", lambda publisher: self._publish(publisher, share)),
            ("Some offers change", self._update),
            ("Some places are filled, some offers cancelled", self._withdraw),
        )
        for phase, step in steps:
            self.phase = phase
            await asyncio.gather(*map(step, self.publishers))
            await self.settle()
        self.phase = "Normandie sends its complete set, without the offers it no longer has"
        await self._replace(next(one for one in self.publishers if one.book.platform == _SNAPSHOT))
        await self.settle()
        self.phase = "Everything has settled" if self.reconciled else "Something differs"

    async def settle(self) -> None:
        """Wait until every receipt is there and every subscriber holds what it must, a minute at most."""
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while any(book.open for book in self.books) or self.difference:
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.05)

    async def go_on(self, random: Random, told: asyncio.Event) -> None:
        """Gentle traffic until told to end: now and then somebody changes, withdraws or publishes an offer."""
        self.phase = "Gentle traffic goes on"
        while not told.is_set():
            publisher = random.choice(self.publishers)
            stock = self.stock[publisher.book.platform]
            live = [offer_id for offer_id in publisher.book.live if offer_id in stock]
            gone = [offer_id for offer_id in stock if offer_id not in publisher.book.live]
            if random.random() < 0.2 and live:
                await publisher.withdraw_one(self._withdrawal_of(publisher, random.choice(live)), "filled")
            elif random.random() < 0.3 and gone:
                await publisher.send_one(self._revision_of(publisher, random.choice(gone)))
            elif live:
                await publisher.send_one(self._revision_of(publisher, random.choice(live)))
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), GENTLE)

    async def _publish(self, publisher: Publisher, count: int) -> None:
        platform = publisher.book.platform
        offers = await asyncio.to_thread(lambda: list(generate(self.seed, platform, count, self.on)))
        self.stock[platform] = {offer.id: offer for offer in offers if offer.accepted}
        sendings = [_sending(offer) for offer in offers]
        singles = [sending for sending in sendings if sending.expected == "accepted"][:2]
        for single in singles:
            await publisher.send_one(single)
        rest = [sending for sending in sendings if sending not in singles]
        for batch in _batches(rest):
            await publisher.send_batch(batch)
            await asyncio.sleep(PAUSE)
        # The answer got lost, as it were: sending the last batch again changes nothing.
        await publisher.send_batch(
            [_again(sending, "duplicate") for sending in batch if sending.expected == "accepted"]
        )
        await publisher.send_batch([self._foreign(publisher)])

    def _foreign(self, publisher: Publisher) -> Sending:
        """An offer under somebody else's name."""
        neighbour = "bretagne" if publisher.book.platform != "bretagne" else "normandie"
        offer = next(one for one in generate(self.seed + 1, neighbour, 50, self.on, wrong=0.0))
        return Sending(offer.id, 1, offer.raw, "refused", frozenset({"not-owner"}), offer.document)

    async def _update(self, publisher: Publisher) -> None:
        stock = self.stock[publisher.book.platform]
        chosen = list(publisher.book.live)[::_UPDATED]
        before = [_sending(stock[offer_id]) for offer_id in chosen[:2]]
        for batch in _batches([self._revision_of(publisher, offer_id) for offer_id in chosen]):
            await publisher.send_batch(batch)
            await asyncio.sleep(PAUSE)
        # Late arrivals: the old revisions once more.
        await publisher.send_batch([_again(sending, "stale") for sending in before])

    async def _withdraw(self, publisher: Publisher) -> None:
        chosen = list(publisher.book.live)[3::_WITHDRAWN]
        for offer_id in chosen[:2]:
            await publisher.withdraw_one(self._withdrawal_of(publisher, offer_id), "filled")
        for batch in _batches([self._withdrawal_of(publisher, offer_id) for offer_id in chosen[2:]]):
            await publisher.send_batch(batch)
            await asyncio.sleep(PAUSE)

    async def _replace(self, publisher: Publisher) -> None:
        """First an export that was cut in half, which the guard must stop, then the whole one."""
        live = list(publisher.book.live)
        if len(live) > _ABSENT and await publisher.send_snapshot(live[: len(live) // 2], expected=0):
            publisher.book.surprise("a snapshot cut in half was not stopped")
        absent = set(live[1::_ABSENT])
        await publisher.send_snapshot([each for each in live if each not in absent], expected=len(absent))

    def _revision_of(self, publisher: Publisher, offer_id: str) -> Sending:
        stock = self.stock[publisher.book.platform]
        stock[offer_id] = revised(stock[offer_id], stock[offer_id].revision + 1)
        return _sending(stock[offer_id])

    def _withdrawal_of(self, publisher: Publisher, offer_id: str) -> Sending:
        """A withdrawal has a revision of its own; the stock remembers it for what comes after."""
        stock = self.stock[publisher.book.platform]
        stock[offer_id] = revised(stock[offer_id], stock[offer_id].revision + 1)
        revision = stock[offer_id].revision
        return Sending(offer_id, revision, withdrawal(stock[offer_id], revision, "cancelled"), "accepted")


def _sending(offer: GeneratedOffer) -> Sending:
    outcome: Outcome = "accepted" if offer.accepted else "refused"
    return Sending(offer.id, offer.revision, offer.raw, outcome, offer.expected, offer.document)


def _again(sending: Sending, expected: Outcome) -> Sending:
    return Sending(sending.id, sending.revision, sending.raw, expected, sending.codes, sending.document)


def _batches(sendings: Sequence[Sending]) -> Iterable[Sequence[Sending]]:
    return [sendings[start : start + BATCH] for start in range(0, len(sendings), BATCH)]
