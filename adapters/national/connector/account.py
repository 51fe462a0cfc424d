"""Work of one account: acquire ownership, rebuild the outbox, follow ``offers``, run calls and orders.

Each account has one fenced owner. The owner fills the outbox from ``deliveries`` first and from ``offers`` after, both
up to their ends. Calls start only then, so that a superseded change is never sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog

from adapters.national.connector.account_identity import AccountIdentity
from adapters.national.delivery.calls import Calls
from adapters.national.delivery.outbox import Outbox
from adapters.national.delivery.progress import Progress, ProgressReader
from adapters.national.delivery.unit_of_work import DeliveryStore, Route, review
from gateway.log.owner_loop import own_with_retry
from gateway.log.port import Chunk, EventLog, Owner
from gateway.log.reading import read_all
from gateway.log.request import Pending
from gateway.protocol.delivery import is_delivery
from gateway.protocol.delivery_order import Placed, answer_record, note_record, read_order
from gateway.protocol.identity import platform_of
from gateway.protocol.record import StoredRecord, utc
from gateway.protocol.topic import DELIVERIES, OFFERS

ORDER_LIFE_MS = 60 * 60_000
"""Maximum age of an order when an owner finds it: about as long as an operator keeps the command running."""
_BATCH = 200
_REBUILD = 2_000
_NOTE_SECONDS = 5.0
_SCOPE = "*"
"""Key of the outbox's own scope among the fingerprints; no platform has this name."""

Execute: TypeAlias = Callable[[DeliveryStore, Progress], Awaitable[dict[str, Any]]]
"""Carries out the remaining steps of an order and returns its answer."""

OwnerTask: TypeAlias = Callable[[DeliveryStore], Coroutine[Any, Any, None]]
"""Further task of the account's owner; runs for as long as the ownership lasts."""

_log = structlog.get_logger()


class PendingOrders:
    """The orders of one account that its owner has read and not carried out.

    An order and its answer share one key, so only the last record of a key decides whether the order is pending. Before
    compaction the earlier records are read too.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        self._progress = ProgressReader(account)
        self._pending: dict[bytes, Pending[Placed]] = {}
        self._taken: set[bytes] = set()
        self._came = asyncio.Event()
        self._read_at = 0
        self._began_at: int | None = None

    def apply(self, record: StoredRecord) -> None:
        """Apply a record, in log order: an order is pending until its answer, or a tombstone, is read."""
        key = record.key or b""
        self._read_at = max(self._read_at, record.appended_at)
        if self._progress.apply(key, record.value):
            return
        placed = None if record.value is None else read_order(key, record.value)
        if placed is None or placed.answer is not None:
            self._pending.pop(key, None)
        elif placed.account == self._account and key not in self._taken:
            found_at = record.appended_at if self._began_at is None else None
            self._pending.setdefault(key, Pending(placed, found_at))
            self._came.set()

    def begin(self) -> None:
        """Mark the end of the rebuild: the append time of the last record read decides which orders are too old. Later
        orders are never too old.
        """
        self._began_at = self._read_at

    async def take(self) -> tuple[Progress, bool]:
        """Wait for the next order; returns its progress and whether it is too old. An order that was begun is never too
        old.
        """
        while not self._pending:
            self._came.clear()
            await self._came.wait()
        key = next(iter(self._pending))
        pending = self._pending.pop(key)
        self._taken.add(key)
        progress = self._progress.of(pending.request)
        return progress, not progress.begun and pending.age_ms(self._began_at or 0) > ORDER_LIFE_MS


@dataclass(slots=True, kw_only=True)
class AccountWork:
    """Work of one account in this process. ``run`` ends only by an error or by cancellation. ``ready``: the account is
    owned and its outbox is up to date.
    """

    log: EventLog
    route: Route
    outbox: Outbox
    identity: AccountIdentity
    make_calls: Callable[[DeliveryStore], Calls]
    execute: Execute
    inbound_scan: OwnerTask | None
    ready: bool = field(default=False, init=False)
    _orders: PendingOrders = field(init=False)
    _caught_up: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def _role(self) -> str:
        return f"national.{self.route.account}"

    async def run(self, home: int) -> None:
        """Own the account and work until cancelled; start over after a commit of unknown outcome or a log outage."""
        await own_with_retry(self.log, role=self._role, partition=home, work=self._own)

    async def _own(self, owner: Owner) -> None:
        store = DeliveryStore(owner, self.outbox, self.route, partitions=self.log.partitions)
        self._orders, self._caught_up = PendingOrders(self.route.account), asyncio.Event()
        self.identity.begin()
        self.outbox.mend()
        calls = self.make_calls(store)
        try:
            with self.outbox.guarded():
                await self._work(store, calls)
        finally:
            self.ready = False
            self.outbox.drop()

    async def _work(self, store: DeliveryStore, calls: Calls) -> None:
        try:
            offers = await store.ends(OFFERS)
            orders_from = await self._rebuild(store, offers)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(store, offers, orders_from))
                group.create_task(self._call(store, calls))
                group.create_task(self._take_orders(store))
                group.create_task(self._write_notes(store, calls))
                if self.inbound_scan is not None:
                    group.create_task(self.inbound_scan(store))
        except ExceptionGroup as errors:
            raise _first(errors) from None

    # Rebuild and follow.

    async def _rebuild(self, store: DeliveryStore, offers: Sequence[int]) -> int:
        """Apply ``deliveries`` up to its end and find the pending orders. Returns the offset from which to read further
        orders. ``offers`` are the end offsets of that topic.

        The owner first writes a record of its own on each partition. Once that record is readable, so is everything
        that the former owner committed, even if another account's transaction was open before it.
        """
        ends = await store.begin()
        if self.outbox.fingerprint(_SCOPE) not in {None, self.route.scope()}:
            self.outbox.clear()
        self.outbox.put_fingerprint(_SCOPE, self.route.scope())
        kept = {p: self.outbox.position(DELIVERIES, p) for p in ends}
        if any(kept[p] > ends[p] or self.outbox.position(OFFERS, p) > offers[p] for p in ends):
            self.outbox.clear()
            self.outbox.put_fingerprint(_SCOPE, self.route.scope())
            kept = dict.fromkeys(ends, 0)
        # Orders are few and old ones may be pending: their partition is read from its start.
        positions = kept | {store.home: 0}
        async with read_all(self.log, DELIVERIES, limit=_REBUILD, starts=positions, ends=ends) as chunks:
            async for chunk in chunks:
                self._restore(chunk, since=kept[chunk.partition])
                positions[chunk.partition] = chunk.position
        self._orders.begin()
        return positions[store.home]

    def _restore(self, chunk: Chunk, *, since: int) -> None:
        for record in chunk.records:
            key = record.key or b""
            if not is_delivery(key):
                self._orders.apply(record)
                self.identity.apply(record)
            elif record.offset < since or not self.route.delivers_for(platform_of(key.decode())):
                continue
            else:
                self.outbox.apply(DELIVERIES, key, record.value)
        self.outbox.keep({(DELIVERIES, chunk.partition): max(since, chunk.position)})

    async def _follow(self, store: DeliveryStore, ends: Sequence[int], orders_from: int) -> None:
        """Apply changes of ``offers``, and new orders. No call is made before the ends are reached: an offer that is
        not read yet would look withdrawn.
        """
        at = {p: self.outbox.position(OFFERS, p) for p in range(self.log.partitions)}
        is_new = not any(at.values())
        positions = {(OFFERS, p): position for p, position in at.items()} | {(DELIVERIES, store.home): orders_from}
        async with self.log.reader(positions) as reader:
            while True:
                if not self.ready and all(at[p] >= end for p, end in enumerate(ends)):
                    if is_new:
                        await review(store)  # an offer whose marker was forgotten too is still withdrawn at the site
                    self.ready = True
                    self._caught_up.set()
                if self.ready:
                    await self._review_changed(store)
                for chunk in await reader.poll(limit=_BATCH, wait=1.0):
                    if chunk.topic == DELIVERIES:
                        self._apply_orders(chunk)
                    else:
                        await self._take(store, chunk)
                        at[chunk.partition] = chunk.position

    async def _take(self, store: DeliveryStore, chunk: Chunk) -> None:
        async with store.unit_of_work() as unit:
            kept = [self._keep_offer(record) for record in chunk.records]
            changed = [offer_id for offer_id in dict.fromkeys(kept) if offer_id is not None]
            for offer_id in changed:
                unit.set_wanted_state(offer_id)
            if changed:
                unit.write_position(f"{self._role}.{OFFERS}", chunk.partition, chunk.position)
            unit.positions[OFFERS, chunk.partition] = chunk.position

    def _keep_offer(self, record: StoredRecord) -> str | None:
        """Store an offer if this account delivers for its platform; returns its id."""
        offer_id = (record.key or b"").decode()
        if not self.route.delivers_for(platform_of(offer_id)):
            return None
        self.outbox.apply(OFFERS, record.key or b"", record.value)
        return offer_id

    def _apply_orders(self, chunk: Chunk) -> None:
        for record in chunk.records:
            if not is_delivery(record.key or b""):
                self._orders.apply(record)

    async def _review_changed(self, store: DeliveryStore) -> None:
        """Review all offers of a platform when its terms or its delivering side change."""
        for partner in self.route.partners.all():
            platform = partner.platform
            if self.route.delivers_for(platform):
                fingerprint = self.route.fingerprint(platform)
                if self.outbox.fingerprint(platform) != fingerprint:
                    await review(store, platform)
                    self.outbox.put_fingerprint(platform, fingerprint)

    # Calls and orders.

    async def _call(self, store: DeliveryStore, calls: Calls) -> None:
        await self._caught_up.wait()
        await self.identity.prove(store)
        await calls.run()

    async def _take_orders(self, store: DeliveryStore) -> None:
        await self._caught_up.wait()
        while True:
            progress, too_old = await self._orders.take()
            placed, name = progress.placed, type(progress.placed.order).__name__
            _log.info("national.order", account=placed.account, order=name, too_old=too_old, begun=progress.begun)
            await self.identity.decided.wait()
            if too_old:
                answer: dict[str, Any] = {"error": "order-too-old"}
            elif not self.identity.proven:
                answer = {"error": "account-changed"}
            else:
                answer = await self.execute(store, progress)
            async with store.unit_of_work() as unit:
                unit.write_home(answer_record(placed, answer))
                progress.end(unit.write_home)

    async def _write_notes(self, store: DeliveryStore, calls: Calls) -> None:
        """Write the account's note to the log whenever it changes; the status command reads it there."""
        written: dict[str, Any] = {}
        while True:
            note = calls.note() | store.findings
            if note != written:
                async with store.unit_of_work() as unit:
                    unit.write_home(note_record(self.route.account, {**note, "at": utc(unit.now)}))
                written = note
            await asyncio.sleep(_NOTE_SECONDS)


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    """The first error of a group, nested groups included."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
