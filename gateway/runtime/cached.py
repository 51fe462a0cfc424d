"""One value that many requests share for a few seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gateway.clock import Clock, steady

Value = TypeVar("Value")


class Cached(Generic[Value]):
    """The result of ``compute``, computed again when it is older than ``milliseconds``, by one computation at a time:
    requests that arrive meanwhile wait for it. An error is raised to them and not kept.
    """

    def __init__(self, compute: Callable[[], Awaitable[Value]], *, milliseconds: int, clock: Clock = steady) -> None:
        self._compute = compute
        self._milliseconds = milliseconds
        self._clock = clock
        self._began = 0
        self._task: asyncio.Task[Value] | None = None

    async def get(self) -> Value:
        """The value. A request that is cancelled while it waits does not cancel the computation."""
        if self._task is None or (self._task.done() and not self._is_fresh(self._task)):
            self._began = self._clock()
            self._task = asyncio.create_task(self._computed())
        return await asyncio.shield(self._task)

    def _is_fresh(self, task: "asyncio.Task[Value]") -> bool:
        failed = task.cancelled() or task.exception() is not None
        return not failed and self._clock() - self._began < self._milliseconds

    async def _computed(self) -> Value:
        return await self._compute()
