"""Units of work on deliveries: each is written to the log and the outbox as one, serialised per account."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from typing import Any, TypeAlias

import orjson

from adapters.national.delivery.outbox import DueCall, Outbox
from adapters.national.delivery.outcome import as_pending, is_due_again, looks_at
from adapters.national.delivery.plan import (
    EXPIRED_RANK,
    RANKS,
    Due,
    WantedParts,
    next_call,
    set_wanted_state,
    wanted_parts,
)
from adapters.national.site.accounts import Accounts
from gateway.clock import Clock
from gateway.log.port import Output, Owner
from gateway.partners import Partners
from gateway.protocol.delivery import GROUPS, Delivery, DeliveryPart, delivery_record
from gateway.protocol.delivery_order import ANY_PLATFORM
from gateway.protocol.identity import NATIONAL, partition_of, platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import OfferState, Record, position_record
from gateway.protocol.topic import DELIVERIES, POSITIONS
from gateway.protocol.visibility import wished_audiences
from schemas.schoolyear import years

Positions: TypeAlias = Mapping[tuple[str, int], int]

_SLICE = 200


@dataclass(frozen=True, slots=True)
class Route:
    """The platforms that an account delivers for, and the wanted state of their offers at the site."""

    account: str
    accounts: Accounts
    partners: Partners
    clock: Clock

    def delivers_for(self, platform: str) -> bool:
        """Whether the accounts file gives the platform to this account, even if the platform delivers by itself."""
        return platform != NATIONAL and self.accounts.account_of(platform) == self.account

    def served(self) -> list[str]:
        """The platforms that the accounts file gives to this account."""
        return sorted(platform for platform, account in self.accounts.platforms.items() if account == self.account)

    def shared(self) -> bool:
        """Whether a platform also pushes to this account by itself: unknown offers there must then not be deleted."""
        platforms = [one.platform for one in self.partners.all() if self.delivers_for(one.platform)]
        return any(map(self.is_self_delivered, platforms))

    def is_self_delivered(self, platform: str) -> bool:
        """Whether the platform delivers by itself: its offers are then left alone, withdrawals included."""
        partner = self.partners.get(platform)
        return partner is None or partner.national_delivery == "self"

    def wanted_parts(self, state: OfferState | None) -> WantedParts:
        """The wanted parts of an offer today; empty once it is gone or is not meant for the site (RTE-002, RTE-003)."""
        if state is None or state.offer is None:
            return {}
        if NATIONAL in state.known.provenance or NATIONAL not in wished_audiences(state.offer):
            return {}
        today = date.fromisoformat(paris_date(self.clock()))
        return wanted_parts(state.offer, on=today, terms=self.accounts.terms_of(platform_of(state.id)))

    def scope(self) -> str:
        """The platforms of the account, serialised. An outbox holds the offers of these alone, so another scope needs
        another outbox.
        """
        served = self.served()
        named = sorted(set(self.accounts.platforms) - set(served)) if ANY_PLATFORM in served else []
        return orjson.dumps([served, named]).decode()

    def fingerprint(self, platform: str) -> str:
        """The platform's terms and delivering side, and the last school year on file, serialised: a change requires a
        review of all its offers.
        """
        terms = asdict(self.accounts.terms_of(platform))
        return orjson.dumps([self.is_self_delivered(platform), terms, years()[-1].name]).decode()


class DeliveryStore:
    """Deliveries of one account; every change is made in a unit of work, one at a time."""

    def __init__(self, owner: Owner, outbox: Outbox, route: Route, *, partitions: int) -> None:
        self.outbox = outbox
        self.route = route
        self.changed = asyncio.Event()
        """Set when a call may have become due."""
        self.findings: dict[str, Any] = {"platforms": route.served()}
        """Entries of the account's note, by component."""
        self.partitions = partitions
        self._owner = owner
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator["UnitOfWork"]:
        """A unit of work: its changes are committed at the end of the block, to the log, then to the outbox. An error
        drops them.
        """
        async with self._lock:
            unit = UnitOfWork(self)
            try:
                yield unit
                outputs = unit.outputs
                ends = await self._owner.commit(outputs) if outputs else {}
                self.outbox.keep(
                    {topic_partition: end for topic_partition, end in ends.items() if topic_partition[0] == DELIVERIES}
                    | unit.positions
                )
            except BaseException:
                self.outbox.drop()
                raise
        await self.outbox.checkpoint()
        if outputs:
            self.changed.set()

    async def begin(self) -> dict[int, int]:
        """Write to every partition of ``deliveries``; returns the end offsets that cover all earlier commits."""
        key = f"turn/{self.route.account}".encode()
        outputs = [Output(DELIVERIES, p, Record(key, None)) for p in range(self.partitions)]
        ends = await self._owner.commit(outputs)
        return {partition: end for (_, partition), end in ends.items()}

    async def ends(self, topic: str) -> list[int]:
        """``Owner.end`` of each partition of a topic. Raises the same errors."""
        return [await self._owner.end(topic, partition) for partition in range(self.partitions)]

    async def held(self) -> AsyncIterator[tuple[str, DeliveryPart]]:
        """The parts that the account holds at the site, with their offer ids, without those of unknown outcome. Yields
        to other tasks in between.
        """
        for number, offer_id in enumerate(self.outbox.ids()):
            if number % _SLICE == 0:
                await asyncio.sleep(0)
            delivery = self.outbox.delivery(offer_id)
            for part in () if delivery is None else delivery.parts:
                settled = part.there and part.sequence is not None and part.attempt is None
                if settled and part.account == self.route.account:
                    yield offer_id, part

    @property
    def home(self) -> int:
        """The partition of the account's orders, note and positions."""
        return partition_of(self.route.account, self.partitions)


class UnitOfWork:
    """Changes that are committed together; see ``DeliveryStore.unit_of_work``."""

    def __init__(self, store: DeliveryStore) -> None:
        self._outbox = store.outbox
        self._route = store.route
        self._store = store
        self._outputs: dict[bytes, Output] = {}
        self.now = store.route.clock()
        self.positions: dict[tuple[str, int], int] = {}

    @property
    def outputs(self) -> list[Output]:
        """The records to write: the last one of each key."""
        return list(self._outputs.values())

    def set_wanted_state(self, offer_id: str) -> Delivery | None:
        """Put the parts of an offer into the state that is wanted today, and queue the calls for it."""
        if self._route.is_self_delivered(platform_of(offer_id)):
            for group in GROUPS:
                self._outbox.dequeue(offer_id, group)
            return None
        state, before = self._outbox.offer(offer_id), self._outbox.delivery(offer_id)
        wanted = self._route.wanted_parts(state)
        if before is None and (not wanted or state is None):
            return None
        sequence = state.known.sequence if state is not None else before.sequence if before is not None else 0
        start = before or Delivery(id=offer_id, sequence=sequence)
        after = set_wanted_state(start, wanted, sequence=sequence, account=self._route.account, now=self.now)
        if state is None and not any(part.there for part in after.parts):
            self.forget(offer_id)
            return None
        if after != before:
            self.put(after)
        self._queue(after, wanted, expired=state is not None and state.known.reason == "expired")
        return after

    def put(self, delivery: Delivery) -> None:
        """Write a delivery unchanged."""
        self._outbox.put_delivery(delivery)
        self._write(delivery.id, delivery_record(delivery))

    def put_part(self, offer_id: str, part: DeliveryPart) -> None:
        """Write one part of an offer's delivery, then queue the calls that are still due for the offer."""
        delivery = self._outbox.delivery(offer_id)
        if delivery is None:
            raise ValueError(f"{offer_id} has no delivery that a part could belong to")
        self.put(delivery.with_part(part))
        self.set_wanted_state(offer_id)

    def forget(self, offer_id: str) -> None:
        """Delete the delivery of an offer whose marker was forgotten and of which the site holds no part."""
        self._outbox.forget(offer_id)
        self._write(offer_id, Record(offer_id.encode(), None))

    def write_home(self, record: Record) -> None:
        """Write a record to the account's home partition: an answer or a note."""
        self._outputs[record.key or b""] = Output(DELIVERIES, self._store.home, record)

    def write_position(self, role: str, topic_partition: int, position: int) -> None:
        """Write the account's position on a partition of ``offers`` to the log."""
        record = position_record(role, topic_partition, position)
        self._outputs[record.key or b""] = Output(POSITIONS, self._store.home, record)

    def due(self, entry: DueCall) -> tuple[Delivery, Due] | None:
        """The call that is due today for an entry of the queue; None if there is none any more."""
        before = self._outbox.delivery(entry.id)
        refused = None if before is None else before.part(entry.group)
        if before is not None and refused is not None and is_due_again(refused, self.now):
            self.put(before.with_part(as_pending(refused, self.now)))
        delivery = self.set_wanted_state(entry.id)
        part = None if delivery is None else delivery.part(entry.group)
        if delivery is None or part is None:
            return None
        wanted = self._route.wanted_parts(self._outbox.offer(entry.id)).get(entry.group)
        due = next_call(part, wanted, account=self._route.account)
        return None if due is None else (delivery, due)

    def _queue(self, delivery: Delivery, wanted: WantedParts, *, expired: bool) -> None:
        for group in GROUPS:
            part = delivery.part(group)
            due = None if part is None else next_call(part, wanted.get(group), account=self._route.account)
            if due is not None:
                rank = EXPIRED_RANK if expired else RANKS[due.call]
                # A creation of unknown outcome is looked up at once: newer creations push it off the first pages.
                at = self.now if part is None or part.attempt is None else 0
                self._outbox.enqueue(delivery.id, group, rank=rank, not_before=at, now=self.now)
            elif part is not None and (again := looks_at(part)) is not None:
                rank = RANKS["create" if part.sequence is None else "update"]
                self._outbox.enqueue(delivery.id, group, rank=rank, not_before=again, now=self.now)
            else:
                self._outbox.dequeue(delivery.id, group)

    def _write(self, offer_id: str, record: Record) -> None:
        partition = partition_of(offer_id, self._store.partitions)
        self._outputs[offer_id.encode()] = Output(DELIVERIES, partition, record)


async def review(store: DeliveryStore, platform: str | None = None) -> None:
    """Re-evaluate all offers, or those of one platform, and queue the due calls."""
    ids = store.outbox.ids(platform)
    while part := list(islice(ids, _SLICE)):
        async with store.unit_of_work() as unit:
            for offer_id in part:
                unit.set_wanted_state(offer_id)
        await asyncio.sleep(0)
