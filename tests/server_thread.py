"""A server in a thread and an event loop of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager

_SECONDS = 60


@contextmanager
def served_in_thread(serve: Callable[[], AbstractAsyncContextManager[str]]) -> Iterator[str]:
    """The URL that ``serve`` yields. Raises the error of a failed start."""
    started: Future[str] = Future()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def stay() -> None:
        try:
            async with serve() as url:
                started.set_result(url)
                await over.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(stay())

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        yield started.result(_SECONDS)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(_SECONDS)
