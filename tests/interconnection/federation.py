"""The whole federation on one machine: nine platforms with their channels, one gateway, the simulated national site.

The gateway is the real one, with all of its settings; it may be stopped and started again.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from demo.client import Client
from demo.entry import CHANNELS, KAFKA_CHANNELS
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import SiteOffer
from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.log.port import EventLog
from gateway.partners import Partners, topics_of
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from tests.interconnection.offers import REGIONS
from tests.interconnection.process import command
from tests.interconnection.region import WITHIN, Region, RegionFactory
from tests.interconnection.taking_part import OPERATOR, join_others, open_accounts

ACCOUNTS: Mapping[str, tuple[str, ...]] = {"west": REGIONS[:3], "east": REGIONS[3:6], "south": REGIONS[6:]}
"""Which account at the national site delivers for whom: three, so that three calls are made at a time."""
SEARCHER = "west"


@dataclass(slots=True, kw_only=True)
class Federation:
    """Everything except the gateway, which ``gateway`` starts, several times if needed."""

    settings: Settings
    log: EventLog
    site: NationalSimulator
    regions: dict[str, Region]
    operator_secret: str = field(repr=False)
    url: str = ""

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Client]:
        """A running gateway, its operator's client; every platform follows its territory meanwhile."""
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(running(self.settings))
            self.url = gateway.url
            session = await stack.enter_async_context(aiohttp.ClientSession())
            operator = Client(session, gateway.url, client_id=OPERATOR, client_secret=self.operator_secret)
            for region in self.regions.values():
                region.client = Client(session, gateway.url, client_id=region.slug, client_secret=region.secret)
            followers = [
                asyncio.create_task(region.platform.follow(region.client))
                for region in self.regions.values()
                if region.client is not None
            ]
            try:
                yield operator
            finally:
                ended = [follower.exception() for follower in followers if follower.done()]
                for follower in followers:
                    follower.cancel()
                await asyncio.gather(*followers, return_exceptions=True)
            assert ended == []

    def row(self, offer_id: str) -> SiteOffer | None:
        """The row of an offer at the national site, deleted or not."""
        return self.site.row(offer_id)

    async def command(self, *words: str, ends: int = 0) -> str:
        """Output of the real command, run by the operator beside the gateway. It must end with this code."""
        environ = {
            **self.settings.to_environ(),
            "PASSERELLE_URL": self.url,
            "PASSERELLE_CLIENT_ID": OPERATOR,
            "PASSERELLE_CLIENT_SECRET": self.operator_secret,
        }
        code, output = await command(environ, *words)
        assert code == ends, output
        return output


@asynccontextmanager
async def federation(
    folder: Path, *, kafka: str | None = None, channels: Mapping[str, str] | None = None
) -> AsyncIterator[Federation]:
    """On the embedded log, or on Kafka at this address. ``channels`` names each platform's channel; without
    it each has a different one.
    """
    async with AsyncExitStack() as stack:
        settings = _settings(folder, kafka)
        log = await stack.enter_async_context(open_log(settings))
        await log.create_topics(COMMON)
        site = await stack.enter_async_context(NationalSimulator(clock=clock.now))
        open_accounts(folder, site, ACCOUNTS, searcher=SEARCHER)
        partners = Partners(log)
        stack.push_async_callback(partners.close)
        factory = RegionFactory(folder=folder, settings=settings, log=log, partners=partners, stack=stack)
        channels = (CHANNELS if kafka is None else KAFKA_CHANNELS) if channels is None else channels
        regions = {slug: await factory.region(slug, channel) for slug, channel in channels.items()}
        operator_secret = await join_others(partners)
        await log.create_topics(topics_of(partners))
        yield Federation(settings=settings, log=log, site=site, regions=regions, operator_secret=operator_secret)


async def settled(operator: Client) -> None:
    """Wait until nothing waits to be delivered or decided any more."""
    async with asyncio.timeout(WITHIN):
        while True:
            output = (await operator.call("GET", "/v1/platforms")).body
            pending = sum(one["details"]["pending"] for one in output["platforms"] if "details" in one)
            if pending == 0 and not output["undecided"]:
                return
            await asyncio.sleep(0.1)


def _settings(folder: Path, kafka: str | None) -> Settings:
    (folder / "feeds").mkdir()
    (folder / "secrets").mkdir()
    settings = Settings(
        data=folder / "data",
        port=0,
        management_port=0,
        national=folder / "national.json",
        feeds=folder / "feeds",
        feed_secrets=folder / "secrets",
        loopback_feeds=1,
        log_level="error",
    )
    if kafka is None:
        return settings
    prefix = f"interconnection-{secrets.token_hex(4)}"
    return replace(settings, kafka=kafka, kafka_prefix=prefix, secret=secrets.token_urlsafe(32))
