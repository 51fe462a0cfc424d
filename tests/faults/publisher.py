"""A platform under load: random changes of few offers, from many tasks at once; all enter the history."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

import orjson

import schemas
from demo.generator import generate
from tests.faults.history import Attempt, History, Kind, Outcome

SECTORS = ("s1", "s5", "s9")
PAUSE_AFTER_FAILURE = 0.25
_BATCH = 40
_AT_ONCE = 20
_LARGE_TEXT = "Découverte de l’été. " * 70
_FILLING = "x" * 3_900


@dataclass(slots=True)
class Stock:
    """One offer: every revision that was generated for it, with its content."""

    document: dict[str, Any]
    kinds: list[Kind] = field(default_factory=list)
    unsettled: set[int] = field(default_factory=set)
    large: set[int] = field(default_factory=set)

    @property
    def id(self) -> str:
        """The offer's id."""
        return str(self.document["id"])

    def next(self, kind: Kind) -> int:
        """Generate the next revision."""
        self.kinds.append(kind)
        return len(self.kinds)

    def line(self, revision: int) -> bytes:
        """The line of a batch, or the body of a PUT, for a revision: the same each time."""
        if self.kinds[revision - 1] == "withdraw":
            return orjson.dumps({"id": self.id, "revision": revision, "withdrawn": self.reason(revision)})
        changed: dict[str, Any] = {
            "revision": revision,
            "seats": 1 + revision % 20,
            "sector": SECTORS[revision % len(SECTORS)],
        }
        if revision in self.large:
            changed |= {"description": _LARGE_TEXT, "extensions": {"load": {"filling": _FILLING}}}
        return orjson.dumps({**self.document, **changed})

    def reason(self, revision: int) -> str:
        """Why a revision withdraws it."""
        return ("filled", "cancelled")[revision % 2]


@dataclass(kw_only=True)
class Publisher:
    """Sends from several tasks until stopped, then repeats every submission of unknown outcome. Subclasses send."""

    history: History
    platform: str
    offers: int
    random: Random
    on: date
    clock: Callable[[], float]
    stocks: list[Stock] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fresh = [Stock(document) for document in _documents(self.platform, self.offers, self.random, self.on)]

    async def work(self, *, pause: float) -> None:
        """One task of sending, until cancelled between two requests; ``pause`` is the mean time between requests."""
        while True:
            going = asyncio.ensure_future(self._act())
            try:
                await asyncio.shield(going)
            except asyncio.CancelledError:
                await going
                raise
            await asyncio.sleep(self.random.expovariate(1 / pause))

    async def update(self) -> None:
        """One update of a known offer."""
        stock = self.random.choice(self.stocks)
        await self._send(stock, stock.next("publish"))

    async def flood(self, batches: int, items: int) -> None:
        """Batches of updates at once, each as large as an offer may be or nearly so."""
        await asyncio.gather(*(self._send_batch([self._enlarge() for _ in range(items)]) for _ in range(batches)))

    async def settle(self) -> bool:
        """Send the newest revision of unknown outcome of each offer again, once. Returns whether none is left. Older
        ones are abandoned: the newest one suffices.
        """
        unsettled = [stock for stock in self.stocks if stock.unsettled]
        for start in range(0, len(unsettled), _AT_ONCE):
            await asyncio.gather(*(self._send_newest(stock) for stock in unsettled[start : start + _AT_ONCE]))
        return not any(stock.unsettled for stock in self.stocks)

    async def _send(self, stock: Stock, revision: int) -> None:
        """Send one revision."""
        raise NotImplementedError

    async def _send_batch(self, chosen: Sequence[tuple[Stock, int]]) -> None:
        """Send several revisions in one request."""
        raise NotImplementedError

    def _enter(self, stock: Stock, revision: int, began: float, outcome: Outcome, **outcome_fields: Any) -> None:
        """Record the outcome of one sending."""
        kind = stock.kinds[revision - 1]
        self.history.attempts.append(Attempt(stock.id, revision, kind, began, self.clock(), outcome, **outcome_fields))
        if outcome in {"unknown", "refused"}:
            stock.unsettled.add(revision)
        else:
            stock.unsettled.discard(revision)

    async def _act(self) -> None:
        draw = self.random.random()
        unsettled = [stock for stock in self.stocks if stock.unsettled]
        if draw < 0.15 or not self.stocks:
            await self._send_batch(self._choose())
        elif draw < 0.35 and unsettled:
            stock = self.random.choice(unsettled)
            await self._send(stock, self.random.choice(sorted(stock.unsettled)))
        elif draw < 0.50:
            stock = self._pick()
            await self._send(stock, self.random.randint(1, len(stock.kinds)))
        else:
            stock = self._pick()
            await self._send(stock, stock.next(self._kind()))

    def _choose(self) -> list[tuple[Stock, int]]:
        """New offers, updates and withdrawals together; now and then two revisions of one offer."""
        chosen: list[tuple[Stock, int]] = []
        for _ in range(self.random.randint(1, _BATCH)):
            if self.fresh and (not self.stocks or self.random.random() < 0.4):
                stock = self.fresh.pop()
                self.stocks.append(stock)
                chosen.append((stock, stock.next("publish")))
            else:
                stock = self.random.choice(self.stocks)
                chosen.append((stock, stock.next(self._kind())))
        return chosen

    def _enlarge(self) -> tuple[Stock, int]:
        stock = self.random.choice(self.stocks)
        revision = stock.next("publish")
        stock.large.add(revision)
        return stock, revision

    async def _send_newest(self, stock: Stock) -> None:
        stock.unsettled = {max(stock.unsettled)}
        await self._send(stock, *stock.unsettled)

    def _pick(self) -> Stock:
        """Mostly a known offer, sometimes a new one, whose first revision is then never sent or comes late."""
        if self.fresh and self.random.random() < 0.3:
            self.stocks.append(self.fresh.pop())
            self.stocks[-1].next("publish")
            return self.stocks[-1]
        return self.random.choice(self.stocks)

    def _kind(self) -> Kind:
        return "withdraw" if self.random.random() < 0.25 else "publish"


def _documents(platform: str, count: int, random: Random, on: date) -> list[dict[str, Any]]:
    """Offers that are accepted in each of the sectors that they will have."""
    found = []
    for offer in generate(random.randrange(10**6), platform, count, on, wrong=0.0):
        lines = [orjson.dumps({**offer.document, "sector": sector}) for sector in SECTORS]
        if all(schemas.check(line, on=on).accepted for line in lines):
            found.append(offer.document)
    return found
