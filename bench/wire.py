"""A lean HTTP/1.1 client: one connection, one request at a time, so that its own cost stays small."""

import asyncio
from typing import Self
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Wire(asyncio.Protocol):
    """Answers have a Content-Length or are chunked, and a connection waits for one answer at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to the host and port of an http URL."""
        parts = urlsplit(url)
        _, wire = await asyncio.get_running_loop().create_connection(cls, parts.hostname or "", parts.port or 80)
        return wire

    async def call(self, request: bytes) -> tuple[int, bytes]:
        """Send one whole request; status and body of its answer."""
        if self._transport is None:
            raise ConnectionError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As ``asyncio.Protocol``."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """As ``asyncio.Protocol``."""
        self._received += data
        head, end, body = self._received.partition(_HEAD_END)
        if not end:
            return
        whole = _whole(head.lower(), body)
        if whole is not None and self._answer is not None:
            self._received = b""
            self._answer.set_result((int(head[9:12]), whole))

    def connection_lost(self, exc: Exception | None) -> None:
        """As ``asyncio.Protocol``."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the gateway hung up"))


def _whole(head: bytes, body: bytes) -> bytes | None:
    """The body once all of it is there."""
    at = head.find(_LENGTH)
    if at >= 0:
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        return body if len(body) >= length else None
    if not body.endswith(_LAST_CHUNK):
        return None
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        pieces.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(pieces)


def request(method: str, path: str, *, host: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP request as bytes, of JSON unless ``headers`` say otherwise: their names have underscores for hyphens."""
    named = {"Host": host, "Authorization": f"Bearer {token}", "Content_Type": "application/json", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
