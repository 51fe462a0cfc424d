"""A whole gateway, on the embedded log and on real Kafka, with partners and their clients."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from demo.client import Client
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.operate.audit import AuditReport, audit
from gateway.partners import Partners, topics_of
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from gateway.settings import Settings

PUBLISHERS = ("auvergne-rhone-alpes", "bretagne")
READERS = ("grand-est", "national")


@dataclass
class Federation:
    """A gateway's settings and its partners' secrets; ``open`` starts the gateway, several times if needed."""

    settings: Settings
    secrets: dict[str, str]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[dict[str, Client]]:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(running(self.settings))
            clients = {}
            for slug, secret in self.secrets.items():
                session = await stack.enter_async_context(aiohttp.ClientSession())
                clients[slug] = Client(session, gateway.url, client_id=slug, client_secret=secret)
            yield clients

    async def audit(self) -> AuditReport:
        async with open_log(self.settings) as log:
            return await audit(log)


async def _onboard(settings: Settings) -> dict[str, str]:
    texts = {}
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        for slug in (*PUBLISHERS, *READERS):
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = secret.text
            scopes = {"offers:read", "offers:publish"} if slug in PUBLISHERS else {"offers:read"}
            await partners.save(
                Partner(
                    platform=slug,
                    name=slug,
                    scopes=frozenset(scopes),
                    secrets=(secret.kept,),
                    inbox=slug == "bretagne",
                    feed=slug == "national",
                )
            )
        await log.create_topics(topics_of(partners))
        await partners.close()
    return texts


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def federation(request: pytest.FixtureRequest, tmp_path: Path) -> Federation:
    settings = Settings(data=tmp_path / "data", port=0, management_port=0, log_level="warning")
    if request.param == "kafka":
        servers: str = request.getfixturevalue("kafka_servers")
        prefix = f"town-{secrets.token_hex(4)}"
        settings = replace(settings, kafka=servers, kafka_prefix=prefix, secret=secrets.token_urlsafe(32))
    return Federation(settings, await _onboard(settings))
