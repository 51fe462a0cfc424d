"""Calls that may block for good: a name server that does not answer, a folder on a mount whose server is gone.

They run in daemon threads, which neither the event loop nor the end of the process waits for. asyncio's own threads are
joined at the end of the process, and so a single dead mount would keep a gateway from stopping.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

from adapters.transport.error import FeedError

Result = TypeVar("Result")


class Worker:
    """The blocking calls of one platform, one at a time. While an abandoned one still blocks, no other is begun: a
    mount that stays dead costs one thread, however often its feed is due.
    """

    def __init__(self) -> None:
        self._busy = False

    async def do(self, call: Callable[[], Result]) -> Result:
        """What the call gives, from another thread. Raises its error, and FeedError while an earlier one blocks."""
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
        except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to the caller
            result, failure = None, error

        def settle() -> None:
            if future.cancelled():
                return
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(cast("Result", result))

        self._busy = False
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle)
