"""Pending orders of an account: read on ``deliveries`` by its owner, not carried out yet.

An order and its answer share one key, so only the last record of a key decides whether the order is pending. Before
compaction the earlier records are read too.
"""

import asyncio

from adapters.national.delivery.order import Placed, read_order
from adapters.national.delivery.progress import Progress, ProgressReader
from gateway.log.request import Pending
from gateway.protocol.record import StoredRecord

ORDER_LIFE_MS = 60 * 60_000
"""Maximum age of an order when an owner finds it: about as long as an operator keeps the command running."""


class PendingOrders:
    """The pending orders of one account during one ownership."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._progress = ProgressReader(account)
        self._pending: dict[bytes, Pending[Placed]] = {}
        self._taken: set[bytes] = set()
        self._came = asyncio.Event()
        self._heard_at = 0
        self._began_at: int | None = None

    def hear(self, record: StoredRecord) -> None:
        """Apply a record, in log order: an order is pending until its answer, or a tombstone, is read."""
        key = record.key or b""
        self._heard_at = max(self._heard_at, record.appended_at)
        if self._progress.hear(key, record.value):
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
        self._began_at = self._heard_at

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
