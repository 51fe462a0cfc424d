"""An endpoint of a subscriber on loopback: the client's own receiver, with the faults that a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import web

from gateway.clock import now
from passerelle_client.errors import SignatureError
from passerelle_client.push import receive
from passerelle_client.store import SqliteStore
from tests.transport.server import serving

_LATE_SECONDS = 0.2
"""Shorter than a push may take by the fast clock of a test."""

Fault = Callable[[Mapping[str, Any]], int | None]
"""The status that a page gets instead of being applied; None where it is applied."""


@dataclass
class Endpoint:
    """What came to an endpoint. ``forgetful`` is a second copy, without memory of removals and of sequences."""

    store: SqliteStore = field(default_factory=lambda: SqliteStore(":memory:"))
    secrets: list[str] = field(default_factory=list)
    pages: list[dict[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    forgetful: dict[str, Any] = field(default_factory=dict)
    fault: Fault = lambda _: None
    seconds: float = 0.0
    planned: str = ""
    struck: int = 0
    retry_after: str | None = None
    url: str = ""
    clock: Callable[[], int] = now
    _named: set[str] = field(default_factory=set)
    _generation: int = 0
    _complete: int = 0

    def once(self, kind: str, random: Random) -> None:
        """The next push fails: with a status, after it was applied and late, or by a cut connection."""
        self.planned = random.choice(("500", "400", "302")) if kind == "status" else kind

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Verify and apply, as a subscriber does."""
        body = await request.read()
        page = json.loads(body)
        self.headers.append(dict(request.headers))
        self.pages.append(page)
        if "code" in page:
            self.codes.append(page["code"])
        if self.seconds:
            await asyncio.sleep(self.seconds)
        planned, self.planned = self.planned, ""
        self.struck += bool(planned)
        if planned == "cut" and request.transport is not None:
            request.transport.abort()
            return web.Response()
        if planned == "late":
            await asyncio.sleep(_LATE_SECONDS)
        status = int(planned) if planned.isdigit() else self.fault(page)
        if status is not None:
            headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return web.Response(status=status, headers={**headers, "Location": f"{self.url}/elsewhere"})
        try:
            receive(self.store, request.headers, body, self.secrets, now=self.clock() / 1_000)
        except SignatureError:
            return web.Response(status=401)
        self._forget(page)
        return web.Response(status=204)

    def live(self) -> dict[str, Any]:
        """The live offers of the copy."""
        return {offer_id: offer for offer_id, _, offer in self.store.offers()}

    def _forget(self, page: Mapping[str, Any]) -> None:
        generation = page["generation"]
        if generation < self._generation or not generation:
            return
        if generation > self._generation:
            self._generation, self._named = generation, set()
        for change in page["changes"]:
            self._named.add(change["id"])
            if change["op"] == "upsert":
                self.forgetful[change["id"]] = change["offer"]
            else:
                self.forgetful.pop(change["id"], None)
        if not page["more"] and self._complete < generation:
            self.forgetful = {one: offer for one, offer in self.forgetful.items() if one in self._named}
            self._complete = generation


@asynccontextmanager
async def receiving() -> AsyncIterator[Endpoint]:
    """An endpoint that serves."""
    endpoint = Endpoint()
    async with serving(endpoint.answer) as url:
        endpoint.url = f"{url}/pushes?key=s3cret"
        yield endpoint
