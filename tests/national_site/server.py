"""Servers other than the site, and clients that call them or it."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.national.site.account import Account
from adapters.national.site.client import NationalSite
from adapters.national.site.rate import Rate
from tests.national_site.site_fixtures import EMAIL, PASSWORD
from tests.national_site.stepped_time import SteppedTime


def account_at(url: str, **changes: Any) -> Account:
    return Account(**{"name": "gateway", "url": url, "email": EMAIL, "password": PASSWORD, **changes})


def connect(account: Account, time: SteppedTime, **settings: Any) -> NationalSite:
    rate = Rate(clock=time.clock, sleep=time.sleep)
    return NationalSite(account, rate=rate, clock=time.clock, **{"connect_seconds": 5, "answer_seconds": 5, **settings})


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
