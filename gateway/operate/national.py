"""The national site at the desk: status of deliveries, and orders to the owner of an account, placed on the log."""

import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway.log.port import EventLog
from gateway.log.reading import read_all, read_records
from gateway.log.request import wait_for_answer
from gateway.operate.desk import Desk, RefusedActError
from gateway.protocol.delivery import is_delivery, read_delivery
from gateway.protocol.delivery_order import (
    ANY_PLATFORM,
    Adopt,
    Erase,
    Order,
    Placed,
    Reconcile,
    Replay,
    order_record,
    read_note,
    read_order,
)
from gateway.protocol.identity import is_offer_id, is_slug, partition_of, platform_of
from gateway.protocol.journal import ActName
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import DELIVERIES
from gateway.runtime.loop import Wait

_PAGE = 2_000
MAX_REPLAYED = 1_000
"""Offers that one order may name."""
_MAX_NAMED = 20
"""Offers that an entry of the journal names."""
_NUMBER_BYTES = 8


@dataclass(slots=True)
class DeliveryStatus:
    """Status of deliveries. ``states`` counts the current parts by account, platform and state; ``codes`` counts their
    problems by code. ``notes`` holds the last note of each account's owner.
    """

    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    notes: dict[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order on the log, with its answer once there is one; ``at`` is the offset from which that can be read."""

    placed: Placed
    at: int


class RefusedOrderError(Exception):
    """The owner of the account refused an order; ``answer`` has the code ``error`` and what was found."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer["error"])
        self.answer = answer


def account_for(notes: Mapping[str, Mapping[str, Any]], *, account: str | None, platform: str | None) -> str:
    """The account that executes an order: the given one, that of the platform, or the only one, by the notes of the
    owners. Raises RefusedActError.
    """
    if account is None and platform is not None:
        account = _account_of(notes, platform)
    elif account is None and len(notes) == 1:
        [account] = notes
    if account is None or account not in notes:
        known = ", ".join(sorted(notes)) or "none yet"
        what = "this" if platform is None else f"for {platform}"
        raise RefusedActError("no-account", f"No known account delivers {what} (known: {known}).")
    return account


def platform_in(order: Order) -> str | None:
    """The platform whose account executes an order; None where it names none."""
    match order:
        case Adopt(platform=platform):
            return platform
        case Replay(offers=(first, *_)) | Erase(offer=first):
            return platform_of(first)
    return None


def is_possible(order: Order) -> bool:
    """Whether an order names what can exist, and no more than one order may."""
    match order:
        case Adopt(platform=platform):
            return is_slug(platform)
        case Replay(offers=offers):
            return len(offers) <= MAX_REPLAYED and all(map(is_offer_id, offers))
        case Erase(offer=offer):
            return is_offer_id(offer)
    return True


async def carry_out(
    desk: Desk, order: Order, *, account: str, seconds: float | None = None, wait: Wait | None = None
) -> Ordered:
    """Order something of the owner of an account, and wait for the answer, ``seconds`` at most; without an answer by
    then, the order stays with the owner, which carries it out unless it is too old when an owner begins. An order that
    changes something is an act. Raises RefusedOrderError, LogError.
    """
    placed = Placed(account, secrets.token_hex(_NUMBER_BYTES), order)
    home = partition_of(account, desk.log.partitions)
    async with AsyncExitStack() as stack:
        if (act := _act(order, account)) is not None:
            name, about, details = act
            await stack.enter_async_context(desk.acting(name, about, **details))
        appended = await desk.log.append(DELIVERIES, home, [order_record(placed)])
        ordered = Ordered(placed, appended.last + 1)
        try:
            answering = answer_to(desk.log, ordered, seconds=seconds)
            answered = await (answering if wait is None else wait(answering, None))
        except (TimeoutError, ConnectionError):  # the order stays in any case
            answered = None
        if answered is None:
            return ordered
        await desk.log.append(DELIVERIES, home, [Record(placed.key, None)])
        if answered.placed.answer is not None and "error" in answered.placed.answer:
            raise RefusedOrderError(answered.placed.answer)
    return answered


async def answer_to(log: EventLog, ordered: Ordered, *, seconds: float | None = None) -> Ordered:
    """An order with its answer. Raises TimeoutError if there is none within ``seconds``, and LogError."""
    home = partition_of(ordered.placed.account, log.partitions)
    found = await wait_for_answer(
        log, DELIVERIES, home, start=ordered.at, answer=partial(_answer_in, ordered.placed.key), seconds=seconds
    )
    return replace(ordered, placed=found)


async def answered_so_far(log: EventLog, ordered: Ordered) -> Ordered:
    """An order as the log has it now, with its answer if there is one. Raises LogError."""
    home = partition_of(ordered.placed.account, log.partitions)
    placed = ordered.placed
    async for record in read_records(log, DELIVERIES, home, start=ordered.at):
        placed = _answer_in(placed.key, record) or placed
    return replace(ordered, placed=placed)


def _answer_in(key: bytes, record: StoredRecord) -> Placed | None:
    """The answered order of this key, if this record has it."""
    read = None if record.key != key or record.value is None else read_order(key, record.value)
    return None if read is None or read.answer is None else read


async def read_delivery_status(log: EventLog) -> DeliveryStatus:
    """Read ``deliveries`` up to its end; for commands, which have no view."""
    standing = DeliveryStatus()
    # A compacted topic may hold a key twice: only the last record counts, so earlier counts are subtracted.
    counted: dict[bytes, tuple[list[tuple[str, str, str]], list[str]]] = {}
    async with read_all(log, DELIVERIES, limit=_PAGE) as chunks:
        async for chunk in chunks:
            for record in chunk.records:
                _count(standing, counted, record.key or b"", record.value)
    return standing


def _account_of(notes: Mapping[str, Mapping[str, Any]], platform: str) -> str | None:
    """The account that delivers for a platform; None if there is none."""
    served = {name: note.get("platforms", ()) for name, note in notes.items()}
    named = (name for name, platforms in served.items() if platform in platforms)
    return next(named, None) or next((name for name, platforms in served.items() if ANY_PLATFORM in platforms), None)


def _act(order: Order, account: str) -> tuple[ActName, str, Mapping[str, Any]] | None:
    """An order as an act for the journal; None for one that changes nothing."""
    match order:
        case Adopt(platform=platform, apply=True):
            return "national.adopt", platform, {"account": account}
        case Reconcile(repair=True):
            return "national.reconcile", account, {}
        case Replay(offers=offers):
            named = {"offers": offers[:_MAX_NAMED], "number": len(offers)} if offers else {}
            return "national.replay", account, named
        case Erase(offer=offer):
            return "national.erase", offer, {"account": account}
    return None


def _count(
    standing: DeliveryStatus,
    counted: dict[bytes, tuple[list[tuple[str, str, str]], list[str]]],
    key: bytes,
    value: bytes | None,
) -> None:
    if not is_delivery(key):
        note = None if value is None else read_note(key, value)
        if note is not None:
            standing.notes[note[0]] = note[1]
        return
    states, codes = counted.pop(key, ([], []))
    standing.states.subtract(states)
    standing.codes.subtract(codes)
    if value is None:
        return
    parts = read_delivery(key, value).current()
    platform = platform_of(key.decode())
    states = [(part.account, platform, part.state) for part in parts]
    codes = [problem["code"] for part in parts for problem in part.problems]
    counted[key] = states, codes
    standing.states.update(states)
    standing.codes.update(codes)
