"""The pace of an upload: its work in slices, so that other requests run in between."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from gateway.runtime.loop import in_thread
from gateway.runtime.processor import SLICE_SECONDS

Result = TypeVar("Result")


class Pace(Protocol):
    """Work in slices of a few milliseconds."""

    @property
    def ready(self) -> bool:
        """Whether the present slice has time left."""

    @property
    def spent(self) -> float:
        """The processor time used so far, in seconds."""

    @property
    def stopping(self) -> bool:
        """Whether the process stops: then nothing further is queued."""

    async def next(self) -> None:
        """Wait for the next slice."""

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short piece of work in a thread."""


class OwnPace:
    """Slices for work that belongs to no request, such as a pulled source."""

    def __init__(self) -> None:
        self._began: float | None = None
        self.spent = 0.0

    @property
    def ready(self) -> bool:
        """Whether the present slice has time left."""
        return self._began is not None and time.perf_counter() - self._began < SLICE_SECONDS

    @property
    def stopping(self) -> bool:
        """Always False: the stop is not known here."""
        return False

    async def next(self) -> None:
        """Yield to the event loop once."""
        await asyncio.sleep(0)
        self._began = time.perf_counter()

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run a short piece of work in a thread."""
        return await in_thread(lambda: work(*arguments))
