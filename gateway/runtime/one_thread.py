"""One thread that makes blocking calls in order, such as those of one SQLite connection, off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class OneThread:
    """Calls follow one another. A call whose caller is cancelled is made all the same, before those behind it."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def call(
        self, call: Callable[Arguments, Answer], *args: Arguments.args, **keywords: Arguments.kwargs
    ) -> Answer:
        """The answer of the call. Raises what it raises."""
        made = self._executor.submit(call, *args, **keywords)
        return await asyncio.shield(asyncio.wrap_future(made))

    async def close(self, last: Callable[[], None]) -> None:
        """Make a last call after all others, and end the thread, also when the caller is cancelled meanwhile."""
        self._executor.submit(last)
        self._executor.shutdown(wait=False)
        await asyncio.shield(asyncio.to_thread(self._executor.shutdown))
