"""Bounds on a fetch that no remote side can exceed: its time, close included, and its blocking calls.

A cancelled coroutine may still wait in its cleanup: for an answer to a close, or for a thread blocked by a dead mount.
Therefore a fetch runs in a task of its own. At the limit the task is cancelled and its connections are aborted; if it
has not ended after ``GRACE_SECONDS``, it is abandoned. Calls that may block permanently (a name server without an
answer, a folder on a mount without its server) run in a ``PlatformThread``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from adapters.transport.feed import Feed, FeedError, Unchanged
from gateway.runtime.daemon_thread import DaemonThread, ThreadBusyError

GRACE_SECONDS = 2.0
"""Time for a cancelled fetch to end."""

Result = TypeVar("Result")

_log = structlog.get_logger()


class Cut:
    """The connections of one fetch, which ``abort`` closes without a closing handshake."""

    def __init__(self) -> None:
        self._closes: list[Callable[[], object]] = []
        self.done = False

    def add(self, close: Callable[[], object]) -> None:
        """Register a callback, which must not block."""
        self._closes.append(close)

    def abort(self) -> None:
        """Call all callbacks; their errors are ignored."""
        self.done = True
        for close in self._closes:
            with suppress(Exception):
                close()


async def within(seconds: float, fetch: Callable[[Cut], Awaitable[Feed | Unchanged]]) -> Feed | Unchanged:
    """The result of ``fetch``. Raises its error, or FeedError if it takes longer than ``seconds``.

    Ends at most ``GRACE_SECONDS`` after the limit or after its own cancellation.
    """
    cut = Cut()
    task = asyncio.ensure_future(fetch(cut))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            cut.abort()
            task.add_done_callback(_discard)
            await asyncio.wait({task}, timeout=GRACE_SECONDS)
            if not task.done():
                _log.warning("pull.fetch_left_behind")
    if task not in done:
        raise FeedError("feed-too-slow", seconds=round(seconds))
    return task.result()


def _discard(task: "asyncio.Future[Feed | Unchanged]") -> None:
    """Close the feed of an abandoned fetch, and retrieve its error."""
    if task.cancelled() or task.exception() is not None:
        return
    result = task.result()
    if isinstance(result, Feed):
        result.close()


class PlatformThread(DaemonThread):
    """Runs the blocking calls of one platform."""

    async def do(self, call: Callable[[], Result]) -> Result:
        """As ``DaemonThread.do``. Raises FeedError while an earlier call blocks."""
        try:
            return await super().do(call)
        except ThreadBusyError:
            raise FeedError("feed-blocked") from None
