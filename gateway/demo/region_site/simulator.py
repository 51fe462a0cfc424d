"""Simulator of a regional platform: HTTP server of its feed, injected faults, and subscriber of the changes feed."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, TypeAlias

from aiohttp import hdrs, web

from gateway.client import Client
from gateway.demo.region_site.fault import (
    ENTITY_BOMB,
    ERROR_PAGE,
    Fault,
    doubled,
    mistaken,
)

Write: TypeAlias = Callable[[Sequence[dict[str, Any]]], bytes]
"""Serialises offers of the shared schema as a feed."""

_TWO_GIGABYTES = 2 * 1024**3
_DRIP_SECONDS = 0.05
_WAIT = "2"


class RegionalPlatform:
    """``offers``: its published offers by id; ``held``: its copy of its territory; ``asked``: requests of the feed. All
    may change at any time.
    """

    def __init__(self, platform: str, write: Write) -> None:
        self.platform = platform
        self.offers: dict[str, dict[str, Any]] = {}
        self.held: dict[str, dict[str, Any]] = {}
        self.fault: Fault | None = None
        self.asked = 0
        self._write = write
        self._sequences: dict[str, int] = {}
        self._cursor: str | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve the feed for the block; yields its URL."""
        app = web.Application()
        app.router.add_get("/feed", self._feed)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}/feed"
        finally:
            await runner.cleanup()

    async def follow(self, client: Client) -> None:
        """Follow the changes feed into ``held`` until cancelled: from the last cursor, from the start after 410. Raises
        RuntimeError for any other refusal, ClientError.
        """
        while True:
            params = {"wait": _WAIT, "limit": "500"} | ({"cursor": self._cursor} if self._cursor else {})
            answer = await client.call("GET", "/v1/changes", params=params)
            if answer.status == HTTPStatus.GONE:
                self._cursor = None
                self.held.clear()
                self._sequences.clear()
                continue
            if not answer.ok:
                raise RuntimeError(f"{self.platform}: the changes were answered {answer.explain()}")
            for change in answer.body["changes"]:
                self._apply(change)
            self._cursor = answer.body["cursor"]

    def _apply(self, change: dict[str, Any]) -> None:
        """Apply one change; an old sequence has no effect."""
        offer_id, sequence = change["id"], change["sequence"]
        if sequence <= self._sequences.get(offer_id, -1):
            return
        self._sequences[offer_id] = sequence
        if change["op"] == "removal":
            self.held.pop(offer_id, None)
        else:
            self.held[offer_id] = change["offer"]

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        match self.fault:
            case None:
                return self._whole(request, self._write(list(self.offers.values())))
            case Fault.DUPLICATE_IDS:
                return self._whole(request, self._write(doubled(list(self.offers.values()))))
            case Fault.DOWN:
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, body=ERROR_PAGE, content_type="text/html")
            case Fault.BROKEN_OFF | Fault.TWO_GIGABYTES | Fault.ENDLESS | Fault.SLOW:
                return await self._stream(request, self.fault)
        return self._whole(request, self._spoilt(self.fault))

    def _spoilt(self, fault: Fault) -> bytes:
        feed = self._write(list(self.offers.values()))
        return {
            Fault.EMPTY: b"",
            Fault.CUT: feed[: len(feed) // 2],
            Fault.ERROR_PAGE: ERROR_PAGE,
            Fault.ENTITY_BOMB: ENTITY_BOMB,
            Fault.WRONG_ENCODING: mistaken(feed),
        }[fault]

    def _whole(self, request: web.Request, body: bytes) -> web.Response:
        """The body with its ETag, compressed by Accept-Encoding; 304 for an unchanged one."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {hdrs.ETAG: tag}
        if request.headers.get(hdrs.IF_NONE_MATCH) == tag:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            headers[hdrs.CONTENT_ENCODING] = "gzip"
            body = gzip.compress(body, mtime=0)
        return web.Response(body=body, headers=headers)

    async def _stream(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        feed = self._write(list(self.offers.values()))
        response = web.StreamResponse()
        if fault is Fault.TWO_GIGABYTES:
            response.content_length = _TWO_GIGABYTES
        elif fault is not Fault.ENDLESS:
            response.content_length = len(feed)
        await response.prepare(request)
        await response.write(feed[: len(feed) // 2] or b" ")
        if fault is Fault.BROKEN_OFF and request.transport is not None:
            request.transport.abort()
            return response
        with suppress(ConnectionError):  # the gateway closed the connection
            while True:
                await response.write(b" " if fault is Fault.SLOW else b" " * 65_536)
                await asyncio.sleep(_DRIP_SECONDS if fault is Fault.SLOW else 0)
        return response
