"""A simulated national site in fast time, and a gateway that delivers to it, in a process that may be killed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from demo.client import Client
from demo.national_site.simulator import NationalSimulator
from demo.process import FastTime
from gateway.bootstrap.log import open_log
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners, topics_of
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from tests.faults.process import GatewayDiedError
from tests.interconnection.offers import REGIONS
from tests.interconnection.process import FastGateway, command
from tests.interconnection.taking_part import OPERATOR, join_others, join_platform, native_profile, open_accounts

STALLED = 60.0
"""Seconds without any call to the site after which a wait fails."""
_REQUESTS = 1_000_000
"""Requests a minute, so high that this limit of the gateway never applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDeployment:
    """``secrets`` are those of the nine platforms and the operator, ``environ`` the gateway's settings."""

    site: NationalSimulator
    gateway: FastGateway
    environ: Mapping[str, str] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)

    @asynccontextmanager
    async def client(self, slug: str) -> AsyncIterator[Client]:
        """A partner's client, which retries while the gateway is down."""
        async with aiohttp.ClientSession() as session:
            yield Client(session, self.gateway.url, client_id=slug, client_secret=self.secrets[slug])

    async def restart(self) -> None:
        """Kill the gateway and start it again."""
        await self.gateway.kill()
        await self.gateway.start()
        await self.gateway.ready()

    async def standing(self) -> dict[str, dict[str, Any]]:
        """The entries of ``GET /v1/platforms``, by slug."""
        async with self.client(OPERATOR) as operator:
            answer = await operator.call("GET", "/v1/platforms")
        return {one["platform"]: one for one in answer.body["platforms"] if one.get("platform") is not None}

    async def command(self, *words: str) -> tuple[int | None, str]:
        """Exit code and output of ``passerelle`` beside this gateway."""
        return await command(self.environ, *words)


@asynccontextmanager
async def deployed(
    folder: Path,
    *,
    speed: float,
    kafka: str | None = None,
    accounts: Mapping[str, Sequence[str]] | None = None,
    own: str | None = None,
) -> AsyncIterator[SiteDeployment]:
    """On the embedded log, or on Kafka at this address. All nine platforms and the operator take part, and the gateway
    is ready. ``accounts`` names the platforms of each account; without them one delivers for all. ``own`` is a platform
    that still delivers to the national site by itself.
    """
    time = FastTime(speed)
    settings = Settings(
        data=folder / "gateway",
        secret=secrets.token_urlsafe(32),
        signing_key=folder / "signing.pem",
        requests_per_minute=_REQUESTS,
        log_level="warning",
    )
    if kafka is not None:
        settings = replace(settings, kafka=kafka, kafka_prefix=f"stage-{secrets.token_hex(4)}")
    KeyRing.open(folder / "signing.pem")
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(NationalSimulator(clock=time.clock))
        path = open_accounts(folder, site, accounts or {"shared": ["*"]})
        known = await _join(settings, own)
        gateway = FastGateway(settings.data, settings.to_environ(), accounts=path, time=time)
        stack.push_async_callback(gateway.kill)
        await gateway.start()
        await gateway.ready()
        yield SiteDeployment(site=site, gateway=gateway, environ=settings.to_environ(), secrets=known)


async def _join(settings: Settings, own: str | None) -> dict[str, str]:
    """Create the partners before the gateway starts. Returns their secrets."""
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        try:
            known = {}
            for slug in REGIONS:
                profile = native_profile(slug, national_delivery="self" if slug == own else "gateway")
                known[slug] = await join_platform(partners, profile)
            known[OPERATOR] = await join_others(partners)
            await log.create_topics(topics_of(partners))
        finally:
            await partners.close()
    return known


async def until(condition: Callable[[], bool], deployment: SiteDeployment) -> None:
    """Wait until something holds at the site. Raises TimeoutError when the site was asked nothing for too long,
    GatewayDiedError when the gateway ended by itself.
    """
    answered, loop = deployment.site.answered, asyncio.get_running_loop()
    seen, moved = answered.total(), loop.time()
    while not condition():
        if deployment.gateway.died:
            raise GatewayDiedError(deployment.gateway.last_words())
        if answered.total() > seen:
            seen, moved = answered.total(), loop.time()
        if loop.time() - moved > STALLED:
            raise TimeoutError(f"The site was asked nothing for {STALLED:.0f} s. {deployment.gateway.last_words()}")
        await asyncio.sleep(0.01)
