"""The time limit of a fetch: it ends within its seconds, close included, whatever the other side does.

A cancelled coroutine may still wait in its own cleanup: for an answer to a close, for a thread that a dead mount holds.
So a fetch runs in a task of its own. At the limit it is cancelled, what it has open is cut without asking the other
side, and if it has not ended moments later it is left behind.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from adapters.transport.error import FeedError
from adapters.transport.feed import Feed, Unchanged

GRACE_SECONDS = 2.0
"""How long a fetch that was cut may take to end."""

Result = TypeVar("Result")

_log = structlog.get_logger()


class Cut:
    """The connections of one fetch, which ``now`` closes at once and without a farewell."""

    def __init__(self) -> None:
        self._closes: list[Callable[[], object]] = []
        self.made = False

    def also(self, close: Callable[[], object]) -> None:
        """Call this too; it must not wait."""
        self._closes.append(close)

    def now(self) -> None:
        """Close all of them."""
        self.made = True
        for close in self._closes:
            with suppress(Exception):
                close()


async def within(seconds: float, fetch: Callable[[Cut], Awaitable[Feed | Unchanged]]) -> Feed | Unchanged:
    """What ``fetch`` gives. Raises its error, or FeedError when it takes longer than ``seconds``.

    Returns at most ``GRACE_SECONDS`` after the limit, or after being cancelled.
    """
    cut = Cut()
    task = asyncio.ensure_future(fetch(cut))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            cut.now()
            task.add_done_callback(_discard)
            await asyncio.wait({task}, timeout=GRACE_SECONDS)
            if not task.done():
                _log.warning("pull.fetch_left_behind")
    if task not in done:
        raise FeedError("feed-too-slow", seconds=round(seconds))
    return task.result()


def _discard(task: "asyncio.Future[Feed | Unchanged]") -> None:
    """Free what a fetch gave after its time, and take note of its error."""
    if task.cancelled() or task.exception() is not None:
        return
    result = task.result()
    if isinstance(result, Feed):
        result.close()
