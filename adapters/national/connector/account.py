"""One account's work: take it, rebuild what is known, follow ``offers``, and run all that calls the site.

One fenced owner per account. Its outbox is filled from ``deliveries`` first and from ``offers`` after, both up to their
ends; only then is anything sent, so that what was superseded meanwhile never goes out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

import structlog

from adapters.national.connector.account_identity import AccountIdentity
from adapters.national.delivery.calls import Calls
from adapters.national.delivery.order import answer_record, note_record
from adapters.national.delivery.orders import WaitingOrders
from adapters.national.delivery.outbox import Outbox
from adapters.national.delivery.progress import Progress
from adapters.national.delivery.unit_of_work import Ledger, Route, review
from gateway.log.assignment import keep_owning
from gateway.log.port import Chunk, EventLog, Owner
from gateway.log.reading import read_all
from gateway.protocol.delivery import is_delivery, read_delivery
from gateway.protocol.identity import platform_of
from gateway.protocol.record import StoredRecord, utc
from gateway.protocol.topic import DELIVERIES, OFFERS

_BATCH = 200
_REBUILD = 2_000
_NOTE_SECONDS = 5.0
_SCOPE = "*"
"""Under which the outbox keeps what it was filled for; no platform has this name."""

Obey: TypeAlias = Callable[[Ledger, Progress], Awaitable[dict[str, Any]]]
"""Carries out what is left of an order and gives its answer."""

Beside: TypeAlias = Callable[[Ledger], Coroutine[Any, Any, None]]
"""What else the account's owner does, for as long as it owns it."""

_log = structlog.get_logger()


class AccountWork:
    """The work of one account in this process. ``run`` ends only by an error or by being cancelled."""

    def __init__(
        self,
        log: EventLog,
        route: Route,
        *,
        outbox: Outbox,
        identity: AccountIdentity,
        calls: Callable[[Ledger], Calls],
        obey: Obey,
        beside: Beside | None = None,
    ) -> None:
        self._log = log
        self._route = route
        self._outbox = outbox
        self._identity = identity
        self._make_calls = calls
        self._obey = obey
        self._beside = beside
        self._role = f"national.{route.account}"
        self._orders = WaitingOrders(route.account)
        self._caught_up = asyncio.Event()
        self.ready = False
        """Whether the account is owned and its outbox is up to date."""

    async def run(self, home: int) -> None:
        """Own the account and work until cancelled; anew after a commit of unknown outcome, or an outage of the log."""
        await keep_owning(self._log, role=self._role, partition=home, work=self._own)

    async def _own(self, owner: Owner) -> None:
        ledger = Ledger(owner, self._outbox, self._route, partitions=self._log.partitions)
        self._orders, self._caught_up = WaitingOrders(self._route.account), asyncio.Event()
        self._identity.begin()
        self._outbox.mend()
        calls = self._make_calls(ledger)
        try:
            with self._outbox.guarded():
                await self._work(ledger, calls)
        finally:
            self.ready = False
            self._outbox.drop()

    async def _work(self, ledger: Ledger, calls: Calls) -> None:
        try:
            offers = await ledger.ends(OFFERS)
            orders_from = await self._rebuild(ledger, offers)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(ledger, offers, orders_from))
                group.create_task(self._call(ledger, calls))
                group.create_task(self._take_orders(ledger))
                group.create_task(self._tell(ledger, calls))
                if self._beside is not None:
                    group.create_task(self._beside(ledger))
        except* Exception as errors:  # noqa: BLE001  # unwrapped, not swallowed: the first error speaks
            raise _first(errors) from None

    # What is known.

    async def _rebuild(self, ledger: Ledger, offers: Sequence[int]) -> int:
        """Apply ``deliveries`` up to its end, and find the orders that wait. Gives where orders go on. ``offers`` are
        the ends of that topic.

        The owner writes a record of its own on each partition first: once that can be read, so can all that the former
        owner committed, also where a transaction of another account lay open before it.
        """
        ends = await ledger.begin()
        if self._outbox.fingerprint(_SCOPE) not in {None, self._route.scope()}:
            self._outbox.clear()
        self._outbox.put_fingerprint(_SCOPE, self._route.scope())
        kept = {p: self._outbox.position(DELIVERIES, p) for p in ends}
        if any(kept[p] > ends[p] or self._outbox.position(OFFERS, p) > offers[p] for p in ends):
            self._outbox.clear()
            self._outbox.put_fingerprint(_SCOPE, self._route.scope())
            kept = dict.fromkeys(ends, 0)
        # Orders are few, and old ones may still wait: their partition is read from its start.
        places = kept | {ledger.home: 0}
        async with read_all(self._log, DELIVERIES, limit=_REBUILD, starts=places, ends=ends) as chunks:
            async for chunk in chunks:
                self._restore(chunk, since=kept[chunk.partition])
                places[chunk.partition] = chunk.position
        self._orders.begin()
        return places[ledger.home]

    def _restore(self, chunk: Chunk, *, since: int) -> None:
        for record in chunk.records:
            key = record.key or b""
            if not is_delivery(key):
                self._orders.hear(record)
                self._identity.hear(record)
            elif record.offset < since or not self._route.takes(platform_of(key.decode())):
                continue
            elif record.value is None:
                self._outbox.forget(key.decode())
            else:
                self._outbox.put_delivery(read_delivery(key, record.value))
        self._outbox.keep({(DELIVERIES, chunk.partition): max(since, chunk.position)})

    async def _follow(self, ledger: Ledger, ends: Sequence[int], orders_from: int) -> None:
        """Take in what changes on ``offers``, and orders as they come. Nothing is called before the ends are reached:
        an offer that has not been read yet would seem to be gone.
        """
        at = {p: self._outbox.position(OFFERS, p) for p in range(self._log.partitions)}
        anew = not any(at.values())
        places = {(OFFERS, p): position for p, position in at.items()} | {(DELIVERIES, ledger.home): orders_from}
        async with self._log.reader(places) as reader:
            while True:
                if not self.ready and all(at[p] >= end for p, end in enumerate(ends)):
                    if anew:
                        await review(ledger)  # what is gone with its marker is owed a withdrawal
                    self.ready = True
                    self._caught_up.set()
                if self.ready:
                    await self._review_changed(ledger)
                for chunk in await reader.poll(limit=_BATCH, wait=1.0):
                    if chunk.topic == DELIVERIES:
                        self._hear(chunk)
                    else:
                        await self._take(ledger, chunk)
                        at[chunk.partition] = chunk.position

    async def _take(self, ledger: Ledger, chunk: Chunk) -> None:
        async with ledger.turn() as turn:
            kept = [self._keep_offer(record) for record in chunk.records]
            changed = [offer_id for offer_id in dict.fromkeys(kept) if offer_id is not None]
            for offer_id in changed:
                turn.aim(offer_id)
            if changed:
                turn.write_position(f"{self._role}.{OFFERS}", chunk.partition, chunk.position)
            turn.positions[OFFERS, chunk.partition] = chunk.position

    def _keep_offer(self, record: StoredRecord) -> str | None:
        """Keep an offer if this account delivers for its platform; gives its id."""
        offer_id = (record.key or b"").decode()
        platform = platform_of(offer_id)
        if not self._route.takes(platform):
            return None
        self._outbox.put_offer(offer_id, platform, record.value)
        return offer_id

    def _hear(self, chunk: Chunk) -> None:
        for record in chunk.records:
            if not is_delivery(record.key or b""):
                self._orders.hear(record)

    async def _review_changed(self, ledger: Ledger) -> None:
        """Look at all offers of a platform anew when its terms change, or who delivers for it."""
        for partner in self._route.partners.all():
            platform = partner.platform
            if self._route.takes(platform):
                fingerprint = self._route.fingerprint(platform)
                if self._outbox.fingerprint(platform) != fingerprint:
                    await review(ledger, platform)
                    self._outbox.put_fingerprint(platform, fingerprint)

    # What is done.

    async def _call(self, ledger: Ledger, calls: Calls) -> None:
        await self._caught_up.wait()
        await self._identity.prove(ledger)
        await calls.run()

    async def _take_orders(self, ledger: Ledger) -> None:
        await self._caught_up.wait()
        while True:
            progress, too_old = await self._orders.take()
            placed, name = progress.placed, type(progress.placed.order).__name__
            _log.info("national.order", account=placed.account, order=name, too_old=too_old, begun=progress.begun)
            await self._identity.decided.wait()
            if too_old:
                answer: dict[str, Any] = {"error": "order-too-old"}
            elif not self._identity.proven:
                answer = {"error": "account-changed"}
            else:
                answer = await self._obey(ledger, progress)
            async with ledger.turn() as turn:
                turn.write_home(answer_record(placed, answer))
                progress.end(turn)

    async def _tell(self, ledger: Ledger, calls: Calls) -> None:
        """Keep the account's note on the log, where the status reads it."""
        told: dict[str, Any] = {}
        while True:
            note = calls.note() | ledger.findings
            if note != told:
                async with ledger.turn() as turn:
                    turn.write_home(note_record(self._route.account, {**note, "at": utc(turn.now)}))
                told = note
            await asyncio.sleep(_NOTE_SECONDS)


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    """The first error of a group, however deep."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
