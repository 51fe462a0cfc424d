"""The ledger: deliveries written on the log and into the outbox as one, each offer by one hand at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Any, TypeAlias

import orjson

from adapters.national.delivery.outbox import Entry, Outbox
from adapters.national.delivery.outcome import is_due_again, revived
from adapters.national.delivery.plan import (
    EXPIRED_RANK,
    RANKS,
    Due,
    Wishes,
    aim,
    next_call,
    wishes_of,
)
from adapters.national.site.accounts import EVERYBODY, Accounts
from gateway.clock import Clock
from gateway.log.port import Output, Owner
from gateway.partners import Partners
from gateway.protocol.decide import PARIS, paris_date
from gateway.protocol.delivery import GROUPS, Delivery, Part, delivery_record
from gateway.protocol.identity import NATIONAL, partition_of, platform_of
from gateway.protocol.record import OfferState, Record, position_record
from gateway.protocol.routing import Reader, may_read
from gateway.protocol.topic import DELIVERIES, POSITIONS

Positions: TypeAlias = Mapping[tuple[str, int], int]

_NATIONAL = Reader(NATIONAL)
_SLICE = 200
_WAITING = frozenset({"pending", "refused"})
"""States in which ``until`` is the day of the next call."""


@dataclass(frozen=True, slots=True)
class Route:
    """Whose offers an account delivers, and what of them it wants at the site."""

    account: str
    accounts: Accounts
    partners: Partners
    clock: Clock

    def takes(self, platform: str) -> bool:
        """Whether this account delivers for the platform, whoever does it now."""
        return platform != NATIONAL and self.accounts.account_of(platform) == self.account

    def served(self) -> list[str]:
        """The platforms that the accounts file gives to this account."""
        return sorted(platform for platform, account in self.accounts.platforms.items() if account == self.account)

    def shared(self) -> bool:
        """Whether it also holds what a platform pushes by itself: then nothing unknown may be deleted there."""
        platforms = [one.platform for one in self.partners.all() if self.takes(one.platform)]
        return any(map(self.hands_off, platforms))

    def hands_off(self, platform: str) -> bool:
        """Whether the platform delivers by itself: then nothing of it is touched, not even withdrawn."""
        partner = self.partners.get(platform)
        return partner is None or partner.national_delivery == "self"

    def wishes(self, state: OfferState | None) -> Wishes:
        """What is wanted there of an offer today; nothing once it is gone, or may not go there (RTE-002, RTE-003)."""
        if state is None or state.offer is None:
            return {}
        if not may_read(_NATIONAL, offer=state.offer, provenance=state.known.provenance):
            return {}
        today = date.fromisoformat(paris_date(self.clock()))
        return wishes_of(state.offer, on=today, terms=self.accounts.terms_of(platform_of(state.id)))

    def scope(self) -> str:
        """Which platforms the account takes. An outbox holds the offers of these alone, so another scope needs another
        outbox.
        """
        served = self.served()
        named = sorted(set(self.accounts.platforms) - set(served)) if EVERYBODY in served else []
        return orjson.dumps([served, named]).decode()

    def fingerprint(self, platform: str) -> str:
        """What decides on the wishes of a platform apart from its offers: when it changes, all are looked at anew."""
        return f"{self.hands_off(platform)} {self.accounts.terms_of(platform)}"


class Ledger:
    """Every change goes through a turn; turns follow one another."""

    def __init__(self, owner: Owner, outbox: Outbox, route: Route, *, partitions: int) -> None:
        self.outbox = outbox
        self.route = route
        self.changed = asyncio.Event()
        """Set when a call may have become due."""
        self.findings: dict[str, Any] = {"platforms": route.served()}
        """What the parts of this account have to say in its note."""
        self.partitions = partitions
        self._owner = owner
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """Changes written together when the block ends: on the log, then in the outbox. An error drops them."""
        async with self._turn:
            turn = Turn(self)
            try:
                yield turn
                outputs = turn.outputs
                ends = await self._owner.commit(outputs) if outputs else {}
                self.outbox.keep({place: end for place, end in ends.items() if place[0] == DELIVERIES} | turn.positions)
            except BaseException:
                self.outbox.drop()
                raise
        await self.outbox.checkpoint()
        if outputs:
            self.changed.set()

    async def begin(self) -> dict[int, int]:
        """Write on every partition of ``deliveries``; gives what must be read to know all that was committed there."""
        key = f"turn/{self.route.account}".encode()
        outputs = [Output(DELIVERIES, p, Record(key, None)) for p in range(self.partitions)]
        ends = await self._owner.commit(outputs)
        return {partition: end for (_, partition), end in ends.items()}

    async def ends(self, topic: str) -> list[int]:
        """Per partition of a topic what ``Owner.end`` says. Raises as that."""
        return [await self._owner.end(topic, partition) for partition in range(self.partitions)]

    def held(self) -> Iterator[Part]:
        """The parts that the account is known to hold at the site, no call being without an answer."""
        for offer_id in self.outbox.ids():
            delivery = self.outbox.delivery(offer_id)
            for part in () if delivery is None else delivery.parts:
                settled = part.there and part.sequence is not None and part.attempt is None
                if settled and part.account == self.route.account:
                    yield part

    @property
    def home(self) -> int:
        """The partition of the account's orders, note and positions."""
        return partition_of(self.route.account, self.partitions)


class Turn:
    """What is being changed; see ``Ledger.turn``."""

    def __init__(self, ledger: Ledger) -> None:
        self._outbox = ledger.outbox
        self._route = ledger.route
        self._ledger = ledger
        self._outputs: dict[bytes, Output] = {}
        self.now = ledger.route.clock()
        self.positions: dict[tuple[str, int], int] = {}

    @property
    def outputs(self) -> list[Output]:
        """What is to be written: the last record of each key."""
        return list(self._outputs.values())

    def aim(self, offer_id: str) -> Delivery | None:
        """Put the parts of an offer into the state that it asks for today, and queue the calls that this takes."""
        if self._route.hands_off(platform_of(offer_id)):
            for group in GROUPS:
                self._outbox.dequeue(offer_id, group)
            return None
        state, before = self._outbox.offer(offer_id), self._outbox.delivery(offer_id)
        wishes = self._route.wishes(state)
        if before is None and (not wishes or state is None):
            return None
        sequence = state.known.sequence if state is not None else before.sequence if before is not None else 0
        start = before or Delivery(id=offer_id, sequence=sequence)
        after = aim(start, wishes, sequence=sequence, account=self._route.account, now=self.now)
        if state is None and not any(part.there for part in after.parts):
            self.forget(offer_id)
            return None
        if after != before:
            self.put(after)
        self._queue(after, wishes, expired=state is not None and state.known.reason == "expired")
        return after

    def put(self, delivery: Delivery) -> None:
        """Write a delivery as it is."""
        self._outbox.put_delivery(delivery)
        self._write(delivery.id, delivery_record(delivery))

    def put_part(self, offer_id: str, part: Part) -> None:
        """Write one part of an offer's delivery, then see what is still due for the offer."""
        delivery = self._outbox.delivery(offer_id)
        if delivery is None:
            raise ValueError(f"{offer_id} has no delivery that a part could belong to")
        self.put(delivery.with_part(part))
        self.aim(offer_id)

    def forget(self, offer_id: str) -> None:
        """The offer's marker was forgotten, and nothing of it is there: its delivery is forgotten too."""
        self._outbox.forget(offer_id)
        self._write(offer_id, Record(offer_id.encode(), None))

    def write_home(self, record: Record) -> None:
        """Write a record of the account's own: an answer, a note."""
        self._outputs[record.key or b""] = Output(DELIVERIES, self._ledger.home, record)

    def write_position(self, role: str, topic_partition: int, position: int) -> None:
        """Keep on the log how far the account has read a partition of ``offers``."""
        record = position_record(role, topic_partition, position)
        self._outputs[record.key or b""] = Output(POSITIONS, self._ledger.home, record)

    def due(self, entry: Entry) -> tuple[Delivery, Due] | None:
        """The call that is due for an entry of the queue today; None when there is none any more."""
        before = self._outbox.delivery(entry.id)
        refused = None if before is None else before.part(entry.group)
        if before is not None and refused is not None and is_due_again(refused, self.now):
            self.put(before.with_part(revived(refused, self.now)))
        delivery = self.aim(entry.id)
        part = None if delivery is None else delivery.part(entry.group)
        if delivery is None or part is None:
            return None
        wish = self._route.wishes(self._outbox.offer(entry.id)).get(entry.group)
        due = next_call(part, wish, account=self._route.account)
        return None if due is None else (delivery, due)

    def _queue(self, delivery: Delivery, wishes: Wishes, *, expired: bool) -> None:
        for group in GROUPS:
            part = delivery.part(group)
            due = None if part is None else next_call(part, wishes.get(group), account=self._route.account)
            if due is not None:
                rank = EXPIRED_RANK if expired else RANKS[due.call]
                # What may have been created is on the first pages of the index only until others are created.
                at = self.now if part is None or part.attempt is None else 0
                self._outbox.enqueue(delivery.id, group, rank=rank, not_before=at, now=self.now)
            elif part is not None and part.state in _WAITING and part.until is not None:
                rank = RANKS["create" if part.sequence is None else "update"]
                self._outbox.enqueue(delivery.id, group, rank=rank, not_before=midnight(part.until), now=self.now)
            else:
                self._outbox.dequeue(delivery.id, group)

    def _write(self, offer_id: str, record: Record) -> None:
        partition = partition_of(offer_id, self._ledger.partitions)
        self._outputs[offer_id.encode()] = Output(DELIVERIES, partition, record)


async def review(ledger: Ledger, platform: str | None = None) -> None:
    """Look at all offers anew, or at those of one platform."""
    ids = ledger.outbox.ids(platform)
    while part := list(islice(ids, _SLICE)):
        async with ledger.turn() as turn:
            for offer_id in part:
                turn.aim(offer_id)
        await asyncio.sleep(0)


def midnight(day: str) -> int:
    """When a day begins in Paris, in milliseconds since 1970."""
    return round(datetime.combine(date.fromisoformat(day), time(), PARIS).timestamp() * 1_000)
