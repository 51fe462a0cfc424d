"""Accounts of the national site for tests: notes of their owners, and an owner that answers orders."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.log.port import EventLog
from gateway.protocol.delivery_order import Placed, answer_record, note_record, read_order
from gateway.protocol.identity import partition_of
from gateway.protocol.record import utc
from gateway.protocol.topic import DELIVERIES

ACCOUNT = "test"
QUEUE = {"delete": 2, "create": 230, "update": 8, "later": 41, "doubt": 1}


def note(now: int, **changes: Any) -> dict[str, Any]:
    """The note of an account that works."""
    base = {"queue": QUEUE, "down": False, "at": utc(now), "answered_at": utc(now), "platforms": ["bretagne"]}
    return {**base, **changes}


async def write_note(log: EventLog, now: int, *, account: str = ACCOUNT, **changes: Any) -> None:
    """Write the note of an account."""
    await log.append(DELIVERIES, partition_of(account, log.partitions), [note_record(account, note(now, **changes))])


class Owner:
    """The owner of an account, which answers each order with the next of its answers and keeps the orders.
    ``earlier``: those that were placed before it began, too.
    """

    def __init__(
        self, log: EventLog, answers: Sequence[Mapping[str, Any]], *, account: str = ACCOUNT, earlier: bool = False
    ) -> None:
        self._log = log
        self._answers = list(answers)
        self._home = partition_of(account, log.partitions)
        self._earlier = earlier
        self.orders: list[Placed] = []

    async def __aenter__(self) -> "Owner":
        start = 0 if self._earlier else (await self._log.ends(DELIVERIES))[self._home]
        self._task = asyncio.create_task(self._answer(start))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _answer(self, start: int) -> None:
        async with self._log.reader({(DELIVERIES, self._home): start}) as reader:
            while self._answers:
                for chunk in await reader.poll(limit=100, wait=0.05):
                    for record in chunk.records:
                        placed = read_order(record.key or b"", record.value) if record.value else None
                        if placed is not None and placed.answer is None:
                            self.orders.append(placed)
                            answer = answer_record(placed, self._answers.pop(0))
                            await self._log.append(DELIVERIES, self._home, [answer])
