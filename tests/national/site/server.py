"""Servers other than the site, clients that call them or it, and a time that advances only by sleeping."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.national.site.accounts import Account
from adapters.national.site.client import HttpSite
from adapters.national.site.timing import Rate
from tests.national.site.harness import EMAIL, PASSWORD


class SteppedTime:
    """A sleep advances it at once, so that calls take no time."""

    def __init__(self, start: int) -> None:
        self.now = start

    def clock(self) -> int:
        """The present instant in milliseconds since 1970."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Advance to the end of the sleep, unless another sleeper has moved further meanwhile."""
        end = self.now + round(seconds * 1000)
        await asyncio.sleep(0)
        self.now = max(self.now, end)


def account_at(url: str, **changes: Any) -> Account:
    return Account(**{"name": "gateway", "url": url, "email": EMAIL, "password": PASSWORD, **changes})


def connect(account: Account, time: SteppedTime, **settings: Any) -> HttpSite:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    return HttpSite(account, rate=rate, clock=time.clock, **{"connect_seconds": 5, "answer_seconds": 5, **settings})


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that gives a token and then gives every call a fixed answer."""

    async def login(_request: web.Request) -> web.Response:
        return web.json_response({"token": "a-token"})

    app = web.Application()
    app.add_routes([web.post("/api/v2/auth/login", login), web.route("*", "/{path:.*}", answer)])
    server = TestServer(app, scheme="https" if tls else "http")
    await server.start_server(ssl=tls)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
