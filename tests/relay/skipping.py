"""An event loop whose time jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any


class _Skipping(selectors.DefaultSelector):
    """A selector that counts the time it is asked to wait, and does not wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.passed


def run_without_waiting(work: Callable[[], Awaitable[Any]]) -> None:
    """Run to the end; sleeping takes no time."""

    async def run() -> None:
        await work()

    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(run())
