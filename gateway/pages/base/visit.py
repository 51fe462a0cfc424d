"""The work that a visitor without an account causes: within the slots of its address, and in the sandbox."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from aiohttp import web

from gateway.pages.base.anonymous import BUSY_RETRY_SECONDS, AddressSlots
from gateway.pages.base.refusal import RefusedError
from gateway.pages.base.upload import Form, read_form
from gateway.runtime.sandbox import SandboxBusyError, SandboxFailedError, SpentError

_MOST_REFUSED, _REFUSED_SECONDS = 8, 5.0
_PREPARE_SECONDS = 0.5
"""From the display of a form to the start of the worker, which takes processor time that the page should not wait for.
"""


class Worker(Protocol):
    """Runs functions on the content of strangers, each within its limits (``gateway.runtime.sandbox.Sandbox``)."""

    async def call(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        """The result of a function. Raises SandboxBusyError, SpentError, SandboxFailedError."""

    async def prepare(self) -> None:
        """Start what the next call needs, unless it runs. Raises OSError."""

    async def close(self) -> None:
        """End."""


class Visitors:
    """Limits and work of visitors, shared by the pages. ``address``: the network address of a request's client."""

    def __init__(self, slots: AddressSlots, worker: Worker, address: Callable[[web.Request], str]) -> None:
        self._slots = slots
        self._worker = worker
        self._address = address
        self._reading_refused = 0
        self._expected: asyncio.Task[None] | None = None

    def expect(self) -> None:
        """Prepare the worker in the background: a visitor reads a form, and will soon send it."""
        if self._expected is None or self._expected.done():
            self._expected = asyncio.create_task(self._prepare())

    async def _prepare(self) -> None:
        await asyncio.sleep(_PREPARE_SECONDS)
        with suppress(OSError):  # the call that needs it reports it
            await self._worker.prepare()

    @contextmanager
    def one(self, request: web.Request) -> Iterator[None]:
        """Hold a slot of the visitor's address while its form is read and worked on. Raises RefusedError."""
        with self._slots.one(self._address(request)):
            yield

    async def refused_form(self, request: web.Request) -> Form | None:
        """The form of a request that got no slot, so that its page displays the text again: many visitors may share one
        address. None if it does not arrive soon, or too many of them are being read.
        """
        if self._reading_refused >= _MOST_REFUSED:
            return None
        self._reading_refused += 1
        try:
            return await read_form(request, seconds=_REFUSED_SECONDS)
        except RefusedError:
            return None
        finally:
            self._reading_refused -= 1

    async def work(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        """The result of a function on the content. Raises RefusedError."""
        try:
            return await self._worker.call(function, arguments, content)
        except SpentError:
            raise RefusedError("too-costly") from None
        except SandboxBusyError:
            raise RefusedError("busy", retry_after=BUSY_RETRY_SECONDS) from None
        except SandboxFailedError:
            raise RefusedError("failed", retry_after=BUSY_RETRY_SECONDS) from None

    async def close(self) -> None:
        """End the worker; give the slots back."""
        if self._expected is not None:
            self._expected.cancel()
            await asyncio.wait((self._expected,))
        await self._worker.close()
        self._slots.close()
