"""Daemon threads for blocking calls: a dead mount or name server keeps no process from stopping."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

Result = TypeVar("Result")


class ThreadBusyError(Exception):
    """An earlier call still blocks."""


class DaemonThread:
    """Runs blocking calls of one owner, one at a time, in threads that no exit of the process awaits.

    asyncio joins its own threads at exit, so a single dead mount would keep the gateway from stopping. No call starts
    while an abandoned one still blocks: it costs one thread, however often it is tried again.
    """

    def __init__(self) -> None:
        self._busy = False

    async def do(self, call: Callable[[], Result]) -> Result:
        """Run the call in another thread. Raises its error, and ThreadBusyError while an earlier call blocks."""
        if self._busy:
            raise ThreadBusyError
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._busy = True
        threading.Thread(target=self._run, args=(call, loop, future), name="blocking", daemon=True).start()
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
