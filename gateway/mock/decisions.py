"""The decisions on what each request submits: a watch of the core's log, which can let it fail."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.protocol.submission import Submission

_SECONDS = 10.0
_MAX_OPEN = 200_000


class Decisions:
    """Follows each submission to its receipt; ``decided_one`` is called with the request's id, empty for the gateway's
    own.
    """

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, Submission]] = {}
        self._left: dict[str, int] = {}
        self._moved = asyncio.Event()

    async def appending(self, request: str, submissions: Sequence[Submission]) -> bool:
        """Follow the submissions of a request, which come to the log; False leaves them out, unanswered."""
        for one in submissions:
            if len(self._open) < _MAX_OPEN:
                self._open[one.receipt] = request, one
                self._left[request] = self._left.get(request, 0) + 1
        return True

    async def appended(self, request: str, *, whole: bool) -> bool:  # noqa: ARG002  # for those who look closer
        """Submissions of a request are on the log (``whole``: none follow); False is no answer of the log."""
        return True

    async def deciding(self) -> None:
        """The relay is about to commit decisions."""

    def forget(self, request: str) -> None:
        """Stop following what a request submits: it did not reach the log."""
        if self._left.pop(request, 0):
            self._open = {receipt: one for receipt, one in self._open.items() if one[0] != request}

    def decided(self, receipts: Sequence[Mapping[str, Any]]) -> None:
        """End following the submissions of these receipts, which are on the log."""
        for receipt in receipts:
            request, submission = self._open.pop(receipt["receipt"], ("", None))
            if submission is None:
                continue
            self._left[request] -= 1
            if not self._left[request]:
                del self._left[request]
            self.decided_one(request, submission, receipt)
        self._moved.set()

    def decided_one(self, request: str, submission: Submission, receipt: Mapping[str, Any]) -> None:
        """See one decision, in the order of the log."""

    async def settle(self, request: str) -> None:
        """Wait until all that a request submitted is decided, ten seconds at most."""
        try:
            async with asyncio.timeout(_SECONDS):
                while request in self._left:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            self.forget(request)
