"""The forms that are being received, of all visitors: a form that arrives late makes room for the next one."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from gateway.pages.base.anonymous import BUSY_RETRY_SECONDS
from gateway.pages.base.kept import Aside, in_a_thread
from gateway.pages.base.refusal import RefusedError
from gateway.pages.base.upload import MOST_BYTES, OTHER_BYTES, Body, Form, receive
from gateway.runtime.pace import Pace
from gateway.runtime.proxies import blocks_of

MOST = 64
MOST_EACH = 8
SECONDS = 30.0


@dataclass(eq=False, slots=True)
class _Reading:
    """A form that is being received, of a client in these blocks of addresses."""

    blocks: frozenset[str]
    deadline: asyncio.Timeout
    ended: bool = False

    def end(self) -> None:
        """Stop receiving it."""
        self.ended = True
        self.deadline.reschedule(asyncio.get_running_loop().time())


class Forms:
    """Receives forms, ``most`` at once and ``each`` of one address, within ``seconds``. One more ends the one that has
    been on its way for longest, so that no number of half-sent forms keeps a whole one out. ``aside`` runs the parsing.
    """

    def __init__(
        self,
        address: Callable[[web.Request], str],
        aside: Aside = in_a_thread,
        *,
        most: int = MOST,
        each: int = MOST_EACH,
        seconds: float = SECONDS,
    ) -> None:
        self._address = address
        self._aside = aside
        self._most = most
        self._each = each
        self._seconds = seconds
        self._pace = Pace()
        self._readings: dict[_Reading, None] = {}

    @property
    def being_received(self) -> int:
        """How many."""
        return len(self._readings)

    async def receive(
        self, request: web.Request, *, most_bytes: int = MOST_BYTES, other_bytes: int = OTHER_BYTES
    ) -> Body:
        """The body of a form. No field has more than ``most_bytes``, and all others together no more than
        ``other_bytes``. Raises RefusedError; ConnectionError when the visitor has disconnected.
        """
        with self._one(self._address(request)) as reading:
            try:
                return await receive(
                    request, reading.deadline, self._pace, most_bytes=most_bytes, other_bytes=other_bytes
                )
            except TimeoutError:
                if reading.ended:
                    raise RefusedError("busy", retry_after=BUSY_RETRY_SECONDS) from None
                raise RefusedError("too-slow", seconds=round(self._seconds)) from None

    async def parse(self, request: web.Request, body: Body) -> Form:
        """The fields of a body, parsed away from the event loop. Raises RefusedError."""
        return await self._aside(request, body.parse)

    @contextmanager
    def _one(self, address: str) -> Iterator[_Reading]:
        blocks = blocks_of(address)
        for block, times in blocks.items():
            self._make_room(self._each * times, block)
        self._make_room(self._most)
        reading = _Reading(frozenset(blocks), asyncio.timeout(self._seconds))
        self._readings[reading] = None
        try:
            yield reading
        finally:
            self._readings.pop(reading, None)

    def _make_room(self, most: int, block: str | None = None) -> None:
        """End the oldest of as many as there may be, of a block of addresses or of all."""
        held = [one for one in self._readings if block is None or block in one.blocks]
        if len(held) >= most:
            del self._readings[held[0]]
            held[0].end()
