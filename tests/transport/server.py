"""A web server on loopback that answers as a test wants it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from adapters.transport.feed import Feed, FetchLimits, Unchanged, Validators
from adapters.transport.https import HttpsPull
from tests.transport.hostile import talking

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The URL of a server that gives this answer to everything, over TLS if its certificate is given."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{'http' if tls is None else 'https'}://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(reply: bytes) -> AsyncIterator[str]:
    """The URL of a server that answers with these bytes, whatever it is asked, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with talking(talk) as port:
        yield f"http://127.0.0.1:{port}"


def content_of(feed: Feed | Unchanged) -> bytes:
    """The whole feed, which is then freed."""
    assert isinstance(feed, Feed)
    try:
        return b"".join(feed.blocks())
    finally:
        feed.close()


async def pulled(url: str, folder: Path, known: Validators | None = None, **limits: int) -> Feed | Unchanged:
    """The feed behind a loopback address."""
    return await HttpsPull(url, loopback=True).fetch(known or {}, FetchLimits(folder=folder, **limits))
