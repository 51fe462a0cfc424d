"""Pushes of real gateway processes, which are killed and suspended: the copy equals the feed. [PSH-004]"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import orjson
import pytest

from demo.client import Client, ClientError
from tests.faults.deployment import Deployment
from tests.harness import OFFER, until
from tests.push.endpoint import Endpoint, receiving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OFFERS = 30


class Driven:
    """A deployment with one publisher and one subscriber, whose requests go to any replica that is up."""

    def __init__(self, deployment: Deployment, session: aiohttp.ClientSession) -> None:
        self._deployment = deployment
        self._session = session
        self._clients: dict[tuple[str, str], Client] = {}
        self._revision = 0

    async def call(self, who: str, method: str, path: str, *, json: Any = None, **more: Any) -> Any:
        """One request, again until a replica answers."""
        body = None if json is None else orjson.dumps(json)
        async with asyncio.timeout(120):
            while True:
                for url in self._deployment.urls:
                    client = self._client(url, who)
                    with suppress(ClientError, TimeoutError):
                        async with asyncio.timeout(5):
                            return await client.call(method, path, body=body, **more)
                await asyncio.sleep(0.1)

    def _client(self, url: str, who: str) -> Client:
        if (url, who) not in self._clients:
            secret = self._deployment.secrets[who]
            client = Client(self._session, url, client_id=who, client_secret=secret, patience=1)
            self._clients[url, who] = client
        return self._clients[url, who]

    async def change(self, random: Random) -> None:
        """Publish or withdraw an offer."""
        self._revision += 1
        offer_id = f"bretagne:{random.randrange(OFFERS)}"
        if random.random() < 0.3:
            params = {"revision": str(self._revision), "reason": "filled"}
            await self.call("bretagne", "DELETE", f"/v1/offers/{offer_id}", params=params)
        else:
            document = {**OFFER, "id": offer_id, "revision": self._revision, "title": f"Titre {self._revision}"}
            await self.call("bretagne", "PUT", f"/v1/offers/{offer_id}", json=document)

    async def feed(self) -> Mapping[str, Any]:
        """The live offers, as the feed gives them to the subscriber."""
        found: dict[str, Any] = {}
        params = {"territory": "all", "limit": "1000"}
        while True:
            page = (await self.call("national", "GET", "/v1/changes", params=params)).body
            found |= {change["id"]: change["offer"] for change in page["changes"]}
            if not page["more"]:
                return found
            params["cursor"] = page["cursor"]


async def survive(deployment: Deployment, faults: int, *, replicas: int = 1) -> None:
    random = Random("processes")  # a plan
    await deployment.onboard()
    for _ in range(replicas):
        await deployment.add_replica()
    try:
        await deployment.ready()
        async with aiohttp.ClientSession() as session, receiving() as endpoint:
            driven = Driven(deployment, session)
            await subscribe(driven, endpoint)
            for _ in range(faults):
                for _ in range(random.randint(1, 3)):
                    await driven.change(random)
                await strike(deployment, random)
            await driven.call("national", "POST", "/v1/subscriptions/copie/enable")

            async def equal() -> bool:
                feed = await driven.feed()
                return endpoint.live() == feed == endpoint.forgetful

            await until(equal, seconds=150)
            assert await driven.feed()
    finally:
        await deployment.close()


async def subscribe(driven: Driven, endpoint: Endpoint) -> None:
    """Subscribe as the guide says: set, test, confirm."""
    body = {"url": endpoint.url, "filter": {"territory": "all"}}
    made = await driven.call("national", "PUT", "/v1/subscriptions/copie", json=body)
    assert 201 == made.status
    endpoint.secrets.append(made.body["secret"])
    await driven.call("national", "POST", "/v1/subscriptions/copie/test")
    await until(lambda: endpoint.codes)
    code = {"code": endpoint.codes[-1]}
    assert 200 == (await driven.call("national", "POST", "/v1/subscriptions/copie/confirm", json=code)).status


async def strike(deployment: Deployment, random: Random) -> None:
    """Kill a replica and start it again; with others, suspend one as well."""
    one = random.choice(deployment.replicas)
    if len(deployment.replicas) > 1 and random.random() < 0.4:
        one.pause()
        await asyncio.sleep(random.uniform(0.2, 1.5))
        one.resume()
    else:
        await asyncio.sleep(random.uniform(0, 0.3))
        await one.kill()
        await one.start()
    if random.random() < 0.5:
        await deployment.ready()


async def test_a_gateway_that_is_killed_twenty_times_pushes_an_equal_copy(tmp_path: Path) -> None:
    await survive(Deployment(tmp_path, loopback=True), 20)


@pytest.mark.kafka
async def test_three_replicas_on_kafka_push_an_equal_copy(tmp_path: Path, kafka_servers: str) -> None:
    await survive(Deployment(tmp_path, kafka=kafka_servers, loopback=True), 15, replicas=3)
