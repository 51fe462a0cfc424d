"""The work that a visitor without an account causes: within the slots of its address, and in the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any, Protocol

from aiohttp import web

from gateway.pages.base.anonymous import BUSY_RETRY_SECONDS, AddressSlots
from gateway.pages.base.reading import Forms
from gateway.pages.base.refusal import PageRefusedError
from gateway.pages.base.upload import MAX_BYTES, OTHER_BYTES, Form
from gateway.runtime.sandbox import SandboxBusyError, SandboxFailedError, SpentError

_SLOT_SECONDS = 5.0
"""The wait for a slot of an address: its forms are worked on in a second."""
_POLL_SECONDS = 0.05
_MAX_WAITING = 32
"""Each holds a received form."""
_PREPARE_SECONDS = 0.5
"""From the display of a form to the start of the worker, which takes processor time that the page should not wait for.
"""


class SandboxCalls(Protocol):
    """Runs functions on the content of strangers, each within its limits (``gateway.runtime.sandbox.Sandbox``)."""

    async def call(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        """The result of a function. Raises SandboxBusyError, SpentError, SandboxFailedError."""

    async def prepare(self) -> None:
        """Start what the next call needs, unless it runs. Raises OSError."""

    async def close(self) -> None:
        """End."""


class Visitors:
    """Limits and work of visitors, shared by the pages. ``address``: the network address of a request's client."""

    def __init__(
        self,
        slots: AddressSlots,
        worker: SandboxCalls,
        address: Callable[[web.Request], str],
        forms: Forms | None = None,
    ) -> None:
        self._slots = slots
        self._worker = worker
        self._address = address
        self._forms = forms or Forms(address)
        self._waiting = 0
        self._expected: asyncio.Task[None] | None = None

    def expect(self) -> None:
        """Prepare the worker in the background: a visitor reads a form, and will soon send it."""
        if self._expected is None or self._expected.done():
            self._expected = asyncio.create_task(self._prepare())

    async def _prepare(self) -> None:
        await asyncio.sleep(_PREPARE_SECONDS)
        with suppress(OSError):  # the call that needs it reports it
            await self._worker.prepare()

    @asynccontextmanager
    async def form(
        self, request: web.Request, *, most_bytes: int = MAX_BYTES, other_bytes: int = OTHER_BYTES
    ) -> AsyncIterator[Form]:
        """The form of a request, received first; while it is parsed and worked on, a slot of the visitor's address is
        held. Raises PageRefusedError.
        """
        body = await self._forms.receive(request, most_bytes=most_bytes, other_bytes=other_bytes)
        with await self._slot(self._address(request)):
            yield await self._forms.parse(request, body)

    async def _slot(self, address: str) -> ExitStack:
        """A slot, held until the stack is closed; many visitors may share one address, so there is a wait for it."""
        until = asyncio.get_running_loop().time() + _SLOT_SECONDS
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(self._slots.one(address))
                    return held.pop_all()
                except PageRefusedError:
                    if self._waiting >= _MAX_WAITING or asyncio.get_running_loop().time() > until:
                        raise
                self._waiting += 1
                try:
                    await asyncio.sleep(_POLL_SECONDS)
                finally:
                    self._waiting -= 1

    async def work(self, function: str, arguments: Mapping[str, Any], content: bytes) -> Any:
        """The result of a function on the content. Raises PageRefusedError."""
        try:
            return await self._worker.call(function, arguments, content)
        except SpentError:
            raise PageRefusedError("too-costly") from None
        except SandboxBusyError:
            raise PageRefusedError("busy", retry_after=BUSY_RETRY_SECONDS) from None
        except SandboxFailedError:
            raise PageRefusedError("failed", retry_after=BUSY_RETRY_SECONDS) from None

    async def close(self) -> None:
        """End the worker; give the slots back."""
        if self._expected is not None:
            self._expected.cancel()
            await asyncio.wait((self._expected,))
        await self._worker.close()
        self._slots.close()
