"""A single-threaded executor for ordered blocking calls, such as those of one SQLite connection."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class OneThread:
    """Calls run one at a time, in submission order. A call whose caller is cancelled still runs in its order."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def call(
        self, call: Callable[Arguments, Answer], *args: Arguments.args, **keywords: Arguments.kwargs
    ) -> Answer:
        """Run the call in the thread and return its result. Exceptions of the call propagate."""
        made = self._executor.submit(call, *args, **keywords)
        return await asyncio.shield(asyncio.wrap_future(made))

    async def close(self, last: Callable[[], None]) -> None:
        """Run a last call after all others and end the thread, even if the caller is cancelled meanwhile."""
        self._executor.submit(last)
        self._executor.shutdown(wait=False)
        await asyncio.shield(asyncio.to_thread(self._executor.shutdown))
