"""Simulator of a regional platform: its feed over HTTPS or SFTP, injected faults, and its copy of the changes feed."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

import asyncssh
from aiohttp import hdrs, web

from demo.client import Client

ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>503</title></head><body><h1>Service momentan\xc3\xa9ment indisponible</h1>"
    b"<p>Merci de r\xc3\xa9essayer plus tard.</p></body></html>\n"
)
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ENTITY_BOMB = f'<?xml version="1.0"?><!DOCTYPE offers [<!ENTITY l0 "ha">{_LAUGHS}]><offers>&l9;</offers>'.encode()
Write: TypeAlias = Callable[[Sequence[dict[str, Any]]], bytes]
"""Serialises offers of the shared schema as a feed."""
_TWO_GIGABYTES = 2 * 1024**3
_DRIP_SECONDS = 0.05
_WAIT = "2"
USER = "region"
Files: TypeAlias = Callable[["asyncssh.SSHServerChannel[bytes]"], asyncssh.SFTPServer]
"""Factory of the SFTP file system of one session."""


class FeedFault(Enum):
    """A fault of a feed; the simulator serves it while it is set."""

    EMPTY = "empty"
    """Status 200 with an empty body."""
    CUT = "cut"
    """Half of the feed in a complete response."""
    BROKEN_OFF = "broken-off"
    """Half of the feed, then a connection reset."""
    ERROR_PAGE = "error-page"
    """Status 200 with an HTML error page."""
    TWO_GIGABYTES = "two-gigabytes"
    """A Content-Length of 2 GB, and a body that begins."""
    ENDLESS = "endless"
    """A body without end."""
    ENTITY_BOMB = "entity-bomb"
    """XML with entities that expand to gigabytes."""
    WRONG_ENCODING = "wrong-encoding"
    """Another encoding than the declared one."""
    DUPLICATE_IDS = "duplicate-ids"
    """Every offer twice, with different titles."""
    SLOW = "slow"
    """One byte at a time, with pauses."""
    DOWN = "down"
    """Status 503."""


def mistaken(feed: bytes) -> bytes:
    """The feed in another encoding than it declares: XML in Windows-1252, other formats in UTF-16 without a BOM."""
    text = feed.decode()
    return text.encode("cp1252", "replace") if text.startswith("<?xml") else text.encode("utf-16-le")


def doubled(offers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every offer, and a duplicate of each with the same id and another title."""
    return [*offers, *({**offer, "title": f"{offer['title']} (bis)"} for offer in offers)]


class RegionalPlatform:
    """``offers``: its published offers by id; ``held``: its copy of its territory; ``reads``: requests of the feed. All
    may change at any time.
    """

    def __init__(self, platform: str, write: Write) -> None:
        self.platform = platform
        self.offers: dict[str, dict[str, Any]] = {}
        self.held: dict[str, dict[str, Any]] = {}
        self.fault: FeedFault | None = None
        self.requests = 0
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
        self.requests += 1
        match self.fault:
            case None:
                return self._whole(request, self._write(list(self.offers.values())))
            case FeedFault.DUPLICATE_IDS:
                return self._whole(request, self._write(doubled(list(self.offers.values()))))
            case FeedFault.DOWN:
                return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, body=ERROR_PAGE, content_type="text/html")
            case FeedFault.BROKEN_OFF | FeedFault.TWO_GIGABYTES | FeedFault.ENDLESS | FeedFault.SLOW:
                return await self._stream(request, self.fault)
        return self._whole(request, self._spoilt(self.fault))

    def _spoilt(self, fault: FeedFault) -> bytes:
        feed = self._write(list(self.offers.values()))
        return {
            FeedFault.EMPTY: b"",
            FeedFault.CUT: feed[: len(feed) // 2],
            FeedFault.ERROR_PAGE: ERROR_PAGE,
            FeedFault.ENTITY_BOMB: ENTITY_BOMB,
            FeedFault.WRONG_ENCODING: mistaken(feed),
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

    async def _stream(self, request: web.Request, fault: FeedFault) -> web.StreamResponse:
        feed = self._write(list(self.offers.values()))
        response = web.StreamResponse()
        if fault is FeedFault.TWO_GIGABYTES:
            response.content_length = _TWO_GIGABYTES
        elif fault is not FeedFault.ENDLESS:
            response.content_length = len(feed)
        await response.prepare(request)
        await response.write(feed[: len(feed) // 2] or b" ")
        if fault is FeedFault.BROKEN_OFF and request.transport is not None:
            request.transport.abort()
            return response
        with suppress(ConnectionError):  # the gateway closed the connection
            while True:
                await response.write(b" " if fault is FeedFault.SLOW else b" " * 65_536)
                await asyncio.sleep(_DRIP_SECONDS if fault is FeedFault.SLOW else 0)
        return response


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """Port and keys: ``host_key`` in OpenSSH's format, ``key`` the private key of ``USER``."""

    port: int
    host_key: str
    key: str = field(repr=False)


class Gatekeeper(asyncssh.SSHServer):
    """Authenticates one user by one key."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key

    def public_key_auth_supported(self) -> bool:
        """True: public key authentication only (called by asyncssh)."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether user and key are the expected ones (called by asyncssh)."""
        return username == USER and key == self._key


@asynccontextmanager
async def serving_sftp(
    folder: Path, keep: type[Gatekeeper] = Gatekeeper, *, files: Files | None = None
) -> AsyncIterator[SftpAddress]:
    """Serve a folder as root on a free port for the block; ``keep`` is the authentication, ``files`` another file
    system.
    """
    user, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    def chrooted(channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    server = await asyncssh.create_server(
        lambda: keep(user.convert_to_public()), "127.0.0.1", 0, server_host_keys=[host], sftp_factory=files or chrooted
    )
    async with server:
        yield SftpAddress(
            server.get_port(), host.export_public_key().decode().strip(), user.export_private_key().decode()
        )
