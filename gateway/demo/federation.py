"""A small federation in this process: a gateway with its own temporary log, and partners with real credentials."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from gateway import clock
from gateway.bootstrap import Gateway, open_log, running, topics_of
from gateway.client import Client
from gateway.kafka.broker import LocalBroker
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.partners.preset import presets
from gateway.protocol.identity import NATIONAL
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON, FEED, full_name
from gateway.settings import Settings

VISITOR = "visitor"
"""A partner for the person who watches, so that what they try does not mix with what is counted."""


@dataclass(frozen=True, slots=True)
class Federation:
    """A running gateway and a client per partner. ``feed`` is where the national subscriber reads on Kafka: servers,
    topic and partition count; None on the embedded log.
    """

    gateway: Gateway
    clients: dict[str, Client]
    partners: dict[str, Partner]
    feed: tuple[str, str, int] | None

    @property
    def regions(self) -> list[Partner]:
        """The nine regional platforms."""
        return [partner for slug, partner in self.partners.items() if slug not in {NATIONAL, VISITOR}]


@asynccontextmanager
async def federation(*, kafka: bool) -> AsyncIterator[Federation]:
    """Start everything, on the embedded log or on Kafka; all of it is gone when the block ends."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-demo-")))
        # Nine publishers upload at once from one machine: more than the default allows.
        settings = Settings(data=folder, port=0, management_port=0, log_level="error", uploads_at_once=32)
        if kafka:
            servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
            if servers is None:
                broker = LocalBroker()
                stack.callback(broker.close)
                await asyncio.to_thread(broker.start)
                servers = broker.bootstrap_servers
            prefix = f"demo-{secrets.token_hex(3)}"
            settings = replace(settings, kafka=servers, kafka_prefix=prefix, secret=secrets.token_urlsafe(32))
        partners, texts = await _onboard(settings)
        gateway = await stack.enter_async_context(running(settings))
        clients = {}
        for slug, text in texts.items():
            # A session of its own each: nine regions do not share a connection pool either.
            session = await stack.enter_async_context(aiohttp.ClientSession())
            clients[slug] = Client(session, gateway.url, client_id=slug, client_secret=text)
        topic = full_name(settings.kafka_prefix, FEED + NATIONAL)
        feed = (settings.kafka, topic, settings.partitions) if settings.kafka else None
        yield Federation(gateway, clients, partners, feed)


async def _onboard(settings: Settings) -> tuple[dict[str, Partner], dict[str, str]]:
    """The partners on the log, as ``passerelle partner add`` puts them there, and their secrets."""
    known = {**presets()}
    known[VISITOR] = Partner(
        platform=VISITOR, name="Visitor", scopes=known[NATIONAL].scopes, hosts=("visitor.example.fr",)
    )
    known[NATIONAL] = replace(known[NATIONAL], feed=settings.kafka is not None)
    texts = {}
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        await partners.catch_up()
        for slug, partner in known.items():
            minted = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = minted.text
            await partners.save(replace(partner, secrets=(minted.kept,)))
        await log.create_topics(topics_of(partners))
        await partners.close()
    return known, texts
