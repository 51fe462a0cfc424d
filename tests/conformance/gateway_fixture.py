"""Our gateway, on its embedded log or on Kafka, with the accounts that the kit asks for."""

import os
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import aiohttp

from conformance.clock import today
from conformance.model.case import Case
from conformance.model.result import Result
from conformance.role.gateway import GatewayRole
from conformance.role.runner import run_cases
from conformance.target.setup import Cluster, Setup, TargetAccount
from conformance.target.topic import subscriber_topics
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON, feed
from gateway.settings import Settings

SLUGS = {
    "publisher": "bretagne",
    "neighbour": "normandie",
    "subscriber": "grand-est",
    "operator": "operateur",
    "national": "national",
}
SCOPES = {
    "publisher": {"offers:publish", "offers:read"},
    "neighbour": {"offers:publish", "offers:read"},
    "subscriber": {"offers:read"},
    "operator": {"offers:read", "operate"},
    "national": {"offers:read"},
}
HOST = "stages.grand-est.example"
SUBSCRIBERS = ("neighbour", "subscriber", "national")
"""Those that have a subscriber topic, on Kafka."""
TERRITORY = frozenset({"08", "10", "51", "52", "54", "55", "57", "67", "68", "88"})
"""The subscriber's own: what it reads without a filter of place."""


def settings_in(folder: Path, kafka: str | None = None) -> Settings:
    """Its settings; ``kafka`` are bootstrap servers."""
    settings = Settings(
        data=folder / "data", port=0, management_port=0, log_level="error", requests_per_minute=1_000_000
    )
    if kafka is None:
        return settings
    prefix = f"conformance-{secrets.token_hex(4)}"
    return replace(settings, kafka=kafka, kafka_prefix=prefix, secret=secrets.token_urlsafe(32))


async def onboard(settings: Settings, *, territory: frozenset[str] = TERRITORY) -> Mapping[str, TargetAccount]:
    """The kit's accounts on the log of these settings; ``territory`` is the subscriber's own."""
    accounts = {}
    async with open_log(settings) as log:
        topics = [feed(SLUGS[name]) for name in SUBSCRIBERS if settings.kafka is not None]
        await log.create_topics([*COMMON, *topics])
        partners = Partners(log)
        for name, slug in SLUGS.items():
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            reads = name == "subscriber"
            await partners.save(
                Partner(
                    platform=slug,
                    name=slug,
                    scopes=frozenset(SCOPES[name]),
                    territory=territory if reads else frozenset(),
                    hosts=(HOST,) if reads else (),
                    secrets=(secret.kept,),
                    feed=name in SUBSCRIBERS and settings.kafka is not None,
                )
            )
            host = HOST if name == "subscriber" else None
            accounts[name] = TargetAccount(platform=slug, client_id=slug, secret=secret.text, host=host)
        await partners.close()
    return accounts


@asynccontextmanager
async def running_gateway(
    folder: Path, kafka: str | None = None, *, territory: frozenset[str] = TERRITORY
) -> AsyncIterator[Setup]:
    """A running gateway, and the set-up that the kit needs for it."""
    settings = settings_in(folder, kafka)
    accounts = await onboard(settings, territory=territory)
    cluster = None
    if settings.kafka is not None:
        cluster = Cluster(
            servers=settings.kafka, accounts=SUBSCRIBERS, prefix=settings.kafka_prefix, security="PLAINTEXT"
        )
    async with running(settings) as gateway:
        yield Setup(role="gateway", target=gateway.url, accounts=accounts, features={"restart": False}, cluster=cluster)


async def played_on(
    setup: Setup, chosen: Sequence[Case], *, seed: str, day: date | None = None, fail_fast: bool = False
) -> list[Result]:
    """The results of these cases on a gateway and its subscriber topics, as of this day, by default today."""
    on = day or today()
    async with aiohttp.ClientSession() as session, subscriber_topics(setup) as topics:
        role = GatewayRole(setup, session, seed=seed, day=lambda: on)
        role.topics = topics
        return await run_cases(chosen, role, setup, on=on, fail_fast=fail_fast)
