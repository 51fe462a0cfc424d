"""Orders that wait: what is read of ``deliveries`` turned into what the account's owner still has to carry out.

An order and its answer lie under one key, so only the last record of a key says whether it waits; before compaction the
earlier ones are read too. Ages are taken on the log's own clock: who ordered and who obeys may be machines apart.
"""

import asyncio

from adapters.national.connector_order import Placed, read_order
from adapters.national.connector_progress import Progress, ProgressReader
from gateway.protocol.record import StoredRecord

ORDER_LIFE_MS = 60 * 60_000
"""How old an order may be when an owner finds it: about as long as somebody waits with the command running."""


class WaitingOrders:
    """The orders of one account, for as long as one owner has it."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._progress = ProgressReader(account)
        self._pending: dict[bytes, tuple[Placed, int | None]] = {}
        self._taken: set[bytes] = set()
        self._came = asyncio.Event()
        self._heard_at = 0
        self._began_at: int | None = None

    def hear(self, record: StoredRecord) -> None:
        """Take in a record, in the log's order: an order waits until its answer, or a tombstone, is read."""
        key = record.key or b""
        self._heard_at = max(self._heard_at, record.appended_at)
        if self._progress.hear(key, record.value):
            return
        placed = None if record.value is None else read_order(key, record.value)
        if placed is None or placed.answer is not None:
            self._pending.pop(key, None)
        elif placed.account == self._account and key not in self._taken:
            self._pending.setdefault(key, (placed, record.appended_at if self._began_at is None else None))
            self._came.set()

    def begin(self) -> None:
        """The log has been read to the end that it had when the owner began: by the time of what was read last, orders
        are found too old. Those that come later have somebody who waits.
        """
        self._began_at = self._heard_at

    async def take(self) -> tuple[Progress, bool]:
        """The next order with its progress, waiting until there is one, and whether it is too old to be still wanted.
        An order that was begun is wanted, however old it is.
        """
        while not self._pending:
            self._came.clear()
            await self._came.wait()
        key = next(iter(self._pending))
        placed, ordered_at = self._pending.pop(key)
        self._taken.add(key)
        progress = self._progress.of(placed)
        if ordered_at is None or self._began_at is None:  # it came later: whatever the log's clock says, it is new
            return progress, False
        return progress, not progress.begun and self._began_at - ordered_at > ORDER_LIFE_MS
