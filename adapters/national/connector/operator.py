"""The operator's API: status of deliveries, read from the log alone; orders, placed on the log, and their answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.national.delivery.order import Order, Placed, order_record, read_note, read_order
from adapters.national.site.accounts import ANY_PLATFORM
from gateway.log.port import EventLog
from gateway.log.reading import read_all
from gateway.log.request import request_answer
from gateway.protocol.delivery import is_delivery, read_delivery
from gateway.protocol.identity import partition_of, platform_of
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import DELIVERIES

_PAGE = 2_000


@dataclass(slots=True)
class DeliveryStatus:
    """Status of deliveries. ``states`` counts the current parts by account, platform and state; ``codes`` counts their
    problems by code. ``notes`` holds the last note of each account's owner.
    """

    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    notes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def account_of(self, platform: str) -> str | None:
        """The account that delivers for a platform according to the owners' notes; None if there is none."""
        served = {name: note.get("platforms", ()) for name, note in self.notes.items()}
        named = (name for name, platforms in served.items() if platform in platforms)
        return next(named, None) or next(
            (name for name, platforms in served.items() if ANY_PLATFORM in platforms), None
        )


async def read_delivery_status(log: EventLog) -> DeliveryStatus:
    """Read ``deliveries`` up to its end."""
    standing = DeliveryStatus()
    # A compacted topic may hold a key twice: only the last record counts, so earlier counts are subtracted.
    counted: dict[bytes, tuple[list[tuple[str, str, str]], list[str]]] = {}
    async with read_all(log, DELIVERIES, limit=_PAGE) as chunks:
        async for chunk in chunks:
            for record in chunk.records:
                _count(standing, counted, record.key or b"", record.value)
    return standing


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


async def submit_order(log: EventLog, account: str, order: Order, *, number: str) -> Mapping[str, Any]:
    """Append an order, wait for the answer of the account's owner, and delete both records.

    The wait has no limit. The owner carries out an order even if its requester has stopped waiting, unless the order is
    too old when an owner begins.
    """
    placed = Placed(account, number, order)

    def answer(record: StoredRecord) -> Mapping[str, Any] | None:
        if record.key != placed.key or record.value is None:
            return None
        read = read_order(record.key, record.value)
        return None if read is None else read.answer

    home = partition_of(account, log.partitions)
    found = await request_answer(log, DELIVERIES, home, order_record(placed), answer=answer)
    await log.append(DELIVERIES, home, [Record(placed.key, None)])
    return found
