"""Run calls that may block permanently: a name server without an answer, a folder on a mount without its server.

They run in daemon threads, for which neither the event loop nor the exit of the process waits. asyncio joins its own
threads at exit, so a single dead mount would keep the gateway from stopping.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

from adapters.transport.error import FeedError

Result = TypeVar("Result")


class Worker:
    """Runs the blocking calls of one platform, one at a time.

    No call starts while an abandoned one still blocks: a dead mount costs one thread, however often its feed is due.
    """

    def __init__(self) -> None:
        self._busy = False

    async def do(self, call: Callable[[], Result]) -> Result:
        """Run the call in another thread. Raises its error, and FeedError while an earlier call blocks."""
        if self._busy:
            raise FeedError("feed-blocked")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._busy = True
        threading.Thread(target=self._run, args=(call, loop, future), name="feed", daemon=True).start()
        return await future

    def _run(
        self, call: Callable[[], Result], loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Result]"
    ) -> None:
        try:
            result, failure = call(), None
        except BaseException as error:  # noqa: BLE001  # every error is passed to the caller
            result, failure = None, error

        def settle() -> None:
            if future.cancelled():
                return
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(cast("Result", result))

        self._busy = False
        with suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(settle)
