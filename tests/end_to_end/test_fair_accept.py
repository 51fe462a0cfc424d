"""Simultaneous connections are shared evenly among the processes that listen on the socket."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession, TCPConnector, web

from gateway.bootstrap.serving import serve
from gateway.runtime.fair_accept import FairAcceptSite

pytestmark = pytest.mark.slow

CONNECTIONS = 32


@pytest.fixture
async def shared() -> AsyncIterator[tuple[str, AsyncExitStack]]:
    """One socket on which two applications, ``a`` and ``b``, listen; the stack of ``a``."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        async with AsyncExitStack() as first, AsyncExitStack() as second:
            await serve(first, _named("a"), listening.dup(), site=FairAcceptSite)
            await serve(second, _named("b"), listening.dup(), site=FairAcceptSite)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", first


async def test_connections_that_come_at_once_are_shared_evenly(shared: tuple[str, AsyncExitStack]) -> None:
    url, _ = shared
    async with ClientSession(connector=TCPConnector(limit=CONNECTIONS)) as session:
        answers = Counter(await asyncio.gather(*(_ask(session, url) for _ in range(CONNECTIONS))))
    assert CONNECTIONS == answers.total()
    assert answers["a"] > CONNECTIONS / 4
    assert answers["b"] > CONNECTIONS / 4


async def test_one_that_stops_leaves_all_to_the_other(shared: tuple[str, AsyncExitStack]) -> None:
    url, first = shared
    await first.aclose()
    async with ClientSession(connector=TCPConnector(limit=CONNECTIONS, force_close=True)) as session:
        answers = {await _ask(session, url) for _ in range(8)}
    assert {"b"} == answers


def _named(name: str) -> web.Application:
    async def tell(_: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response(text=name)

    app = web.Application()
    app.add_routes([web.get("/", tell)])
    return app


async def _ask(session: ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()
