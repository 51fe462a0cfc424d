"""A live gateway for generated clients, and a server that answers as a later version might."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings
from schemas.contract import openapi_document
from tests.clients.journey import PUBLISHERS, SUBSCRIBER
from tests.server_thread import served_in_thread


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A gateway's address (``URL``), and the secret of each partner."""
    settings = Settings(
        data=tmp_path_factory.mktemp("gateway") / "data", port=0, management_port=0, log_level="warning"
    )
    secrets: dict[str, str] = {}

    async def onboard() -> None:
        async with open_log(settings) as log:
            partners = Partners(log)
            for slug in (*PUBLISHERS.values(), SUBSCRIBER):
                secret = mint_secret(now=clock.now(), entropy=os.urandom)
                secrets[slug] = secret.text
                scopes = frozenset({"offers:read"} if slug == SUBSCRIBER else {"offers:publish"})
                await partners.save(Partner(platform=slug, name=slug, scopes=scopes, secrets=(secret.kept,)))
            await partners.close()

    @asynccontextmanager
    async def served() -> AsyncIterator[str]:
        async with running(settings) as gateway:
            yield gateway.url

    asyncio.run(onboard())
    with served_in_thread(served) as url:
        yield {"URL": url, **secrets}


@pytest.fixture(scope="session")
def later() -> Iterator[str]:
    """The address of a gateway of a later version: further members everywhere, further values of open lists."""
    page = _with_more(openapi_document()["components"]["examples"]["ChangesPage"]["value"])
    upsert, removal = page["changes"]
    upsert["offer"] |= {"sector": "s99", "levels": ["terminale"]}
    removal["reason"] = "merged"
    page["changes"].append({"op": "pause", "id": removal["id"], "sequence": 2**53 - 1})

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(page)

    @asynccontextmanager
    async def served() -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/v1/changes", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    with served_in_thread(served) as url:
        yield url


def _with_more(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_more(item) for item in value]
    if isinstance(value, dict):
        return {**{key: _with_more(one) for key, one in value.items()}, "later": {"more": [1, None]}}
    return json.loads(json.dumps(value))
