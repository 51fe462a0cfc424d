"""Reception of visitors' forms, bounded in number and time: at the bound, the oldest form gives way to a new one."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from aiohttp import web

from gateway.pages.base.anonymous import BUSY_RETRY_SECONDS
from gateway.pages.base.kept import Aside, in_a_thread
from gateway.pages.base.refusal import PageRefusedError
from gateway.pages.base.upload import MAX_BYTES, OTHER_BYTES, Form, FormBody, receive
from gateway.runtime.pace import ReceivePace
from gateway.runtime.proxies import blocks_of

_MAX_FORMS = 64
_MAX_FORMS_EACH = 8
_SECONDS = 30.0


class Forms:
    """Receives forms within ``seconds``, at most ``most`` at once and eight of one address. At a bound a new form ends
    the oldest, so that half-sent forms cannot lock out whole ones. ``aside`` runs the parsing.
    """

    def __init__(
        self,
        address: Callable[[web.Request], str],
        aside: Aside = in_a_thread,
        *,
        most: int = _MAX_FORMS,
        seconds: float = _SECONDS,
    ) -> None:
        self._address = address
        self._aside = aside
        self._most = most
        self._seconds = seconds
        self._pace = ReceivePace()
        self._received: dict[asyncio.Timeout, Collection[str]] = {}
        """The deadline of each form, oldest first, with the blocks of addresses that its client is counted in."""

    @property
    def being_received(self) -> int:
        """The number of forms that are being received."""
        return len(self._received)

    async def receive(
        self, request: web.Request, *, most_bytes: int = MAX_BYTES, other_bytes: int = OTHER_BYTES
    ) -> FormBody:
        """The body of a form. No field has more than ``most_bytes``, and all others together no more than
        ``other_bytes``. Raises PageRefusedError; ConnectionError when the visitor has disconnected.
        """
        with self._one(self._address(request)) as deadline:
            try:
                return await receive(request, deadline, self._pace, most_bytes=most_bytes, other_bytes=other_bytes)
            except TimeoutError:
                if deadline not in self._received:
                    raise PageRefusedError("busy", retry_after=BUSY_RETRY_SECONDS) from None
                raise PageRefusedError("too-slow", seconds=round(self._seconds)) from None

    async def parse(self, request: web.Request, body: FormBody) -> Form:
        """The fields of a body, parsed away from the event loop. Raises PageRefusedError."""
        return await self._aside(request, body.parse)

    @contextmanager
    def _one(self, address: str) -> Iterator[asyncio.Timeout]:
        blocks = blocks_of(address)
        for block, times in blocks.items():
            self._make_room(_MAX_FORMS_EACH * times, block)
        self._make_room(self._most)
        deadline = asyncio.timeout(self._seconds)
        self._received[deadline] = blocks
        try:
            yield deadline
        finally:
            self._received.pop(deadline, None)

    def _make_room(self, most: int, block: str | None = None) -> None:
        """End the oldest form if there are ``most``, of a block of addresses or of all."""
        held = [deadline for deadline, blocks in self._received.items() if block is None or block in blocks]
        if len(held) >= most:
            del self._received[held[0]]
            if not held[0].expired():
                held[0].reschedule(asyncio.get_running_loop().time())
