"""Wait for the decisions of an upload, for a client that sends ``Prefer: wait`` (requirement PUB-018)."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from gateway.api.results import MOST_IN_FULL, Decided
from gateway.api.work import Work
from gateway.ingest.upload.upload import Upload
from gateway.runtime.loop import in_thread
from gateway.store import ReceiptView

_AT_ONCE = 2_000


class Deadline:
    """The end of a request's wait: ``seconds`` from now on the loop's clock, or the stop of the process."""

    def __init__(self, seconds: float, work: Work) -> None:
        self._clock = asyncio.get_running_loop().time
        self._at = self._clock() + seconds
        self._work = work

    async def moved(self, receipts: ReceiptView, positions: Sequence[int]) -> bool:
        """Wait until the view is beyond these positions; False at the deadline. Raises ConnectionError when the client
        disconnects.
        """
        left = self._at - self._clock()
        if left <= 0 or self._work.stopping:
            return False
        return await self._work.wait(receipts.moved(positions, left), otherwise=False)


async def decisions_of(upload: Upload, receipts: ReceiptView, deadline: Deadline) -> Decided:
    """The decisions of all accepted items, all of which are queued; ``pending`` counts those not decided in time."""
    decided = Decided(bytearray(upload.count))
    results = enumerate(upload.results())
    while some := await in_thread(lambda: list(islice(results, _AT_ONCE))):
        indexes = {receipt.decode(): index for index, (_, receipt) in some if receipt is not None}

        def take(receipt_id: str, receipt: Mapping[str, Any], indexes: Mapping[str, int] = indexes) -> None:
            decided.take(indexes[receipt_id], receipt)

        decided.keeping = len(decided.problems) < MOST_IN_FULL
        decided.pending += await _take_each(list(indexes), receipts, deadline, take)
        await asyncio.sleep(0)
    return decided


async def withdrawals_of(receipt_ids: Iterable[str], receipts: ReceiptView, deadline: Deadline) -> tuple[int, int]:
    """Counts of queued withdrawals: those accepted in time, and those pending."""
    verdicts: list[str] = []
    pending = 0
    left = iter(receipt_ids)
    while some := list(islice(left, _AT_ONCE)):
        pending += await _take_each(some, receipts, deadline, lambda _, receipt: verdicts.append(receipt["verdict"]))
    return verdicts.count("accepted"), pending


async def _take_each(
    receipt_ids: Iterable[str],
    receipts: ReceiptView,
    deadline: Deadline,
    take: Callable[[str, Mapping[str, Any]], None],
) -> int:
    """Take each receipt as soon as it is applied; return how many are late. Each is looked up at least once."""
    waiting = dict.fromkeys(receipt_ids)
    while waiting:
        positions = receipts.positions  # before the lookup, or a receipt applied in between would be missed
        for receipt_id, receipt in (await receipts.outcomes(list(waiting))).items():
            del waiting[receipt_id]
            take(receipt_id, receipt)
        if waiting and not await deadline.moved(receipts, positions):
            break
    return len(waiting)
