"""The simulated platform as a subscriber: it holds the live offers of others in its territory."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import orjson
import pytest

from adapters.profile.profile import profiles
from demo.client import Client
from demo.region_site.feed import write_feed
from demo.region_site.simulator import RegionalPlatform
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings
from tests.pull.pull_harness import offer


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[dict[str, Client]]:
    """A whole gateway with two partners, and a client of each."""
    settings = Settings(data=tmp_path / "data", port=0, management_port=0, log_level="error")
    texts = {}
    async with open_log(settings) as log:
        partners = Partners(log)
        for slug, scope in (("bretagne", "offers:read"), ("normandie", "offers:publish")):
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = secret.text
            await partners.save(
                Partner(
                    platform=slug,
                    name=slug,
                    scopes=frozenset({scope}),
                    territory=profiles()[slug].territory,
                    secrets=(secret.kept,),
                )
            )
        await partners.close()
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running(settings))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield {slug: Client(session, gateway.url, client_id=slug, client_secret=text) for slug, text in texts.items()}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def put(client: Client, number: int, revision: int, postal_code: str, city: str) -> None:
    location = {"postal_code": postal_code, "city": city}
    document = offer(number, location=location) | {"id": f"normandie:{number}", "revision": revision}
    answer = await client.call(
        "PUT", f"/v1/offers/normandie:{number}", body=orjson.dumps(document), headers={"Prefer": "wait=10"}
    )
    assert answer.status in {200, 201}, answer.explain()


async def test_the_simulator_holds_its_territory_and_drops_withdrawn_offers(clients: dict[str, Client]) -> None:
    platform = RegionalPlatform("bretagne", lambda offers: write_feed("json", offers))
    following = asyncio.create_task(platform.follow(clients["bretagne"]))
    try:
        await put(clients["normandie"], 1, 1, "35000", "Rennes")
        await put(clients["normandie"], 2, 1, "76000", "Rouen")
        await put(clients["normandie"], 3, 1, "29200", "Brest")
        await until(lambda: {"normandie:1", "normandie:3"} == set(platform.held))
        answer = await clients["normandie"].call(
            "DELETE", "/v1/offers/normandie:1", params={"revision": "2", "reason": "filled"}
        )
        assert answer.ok
        await until(lambda: {"normandie:3"} == set(platform.held))
        assert not following.done()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_its_feed_has_a_tag_and_is_not_sent_twice() -> None:
    platform = RegionalPlatform("bretagne", lambda offers: write_feed("json", offers))
    platform.offers = {"bretagne:1": offer(1)}
    async with platform.serving() as url, aiohttp.ClientSession() as session:
        async with session.get(url) as first:
            assert 1 == len(orjson.loads(await first.read())["offres"])
        async with session.get(url, headers={"If-None-Match": first.headers["ETag"]}) as again:
            assert 304 == again.status
        platform.offers["bretagne:2"] = offer(2)
        async with session.get(url, headers={"If-None-Match": first.headers["ETag"]}) as changed:
            assert 200 == changed.status
