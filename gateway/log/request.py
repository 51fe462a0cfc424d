"""Requests through the log: one process appends a request, the owner of the work appends the answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.log.port import EventLog
from gateway.protocol.record import StoredRecord

Answer = TypeVar("Answer")
Request = TypeVar("Request")

_PAGE = 1_000
_WAIT_SECONDS = 1.0


async def wait_for_answer(
    log: EventLog,
    topic: str,
    partition: int,
    *,
    start: int,
    answer: Callable[[StoredRecord], Answer | None],
    seconds: float | None = None,
) -> Answer:
    """Wait for the answer to a request, at most ``seconds``. Its owner executes it even if nothing waits any more.

    ``answer`` is called with each record of the partition from the offset ``start`` on, in order, until it returns an
    answer. Raises TimeoutError, LogError, and errors of ``answer``.
    """
    async with asyncio.timeout(seconds), log.reader({(topic, partition): start}) as reader:
        while True:
            for chunk in await reader.poll(limit=_PAGE, wait=_WAIT_SECONDS):
                for record in chunk.records:
                    found = answer(record)
                    if found is not None:
                        return found


@dataclass(frozen=True, slots=True)
class Pending(Generic[Request]):
    """A request that its owner has read. ``found_at`` is its append time (ms) if it was on the log when the owner
    began; None for a later request, which is new regardless of the clocks of log and requester.
    """

    request: Request
    found_at: int | None

    def age_ms(self, began_at: int) -> int:
        """The request's age in ms when its owner began, both by the log's append times."""
        return 0 if self.found_at is None else max(0, began_at - self.found_at)
