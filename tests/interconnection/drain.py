"""Thousands of offers queued for the national site, the gateway killed meanwhile: all delivered, none created twice."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import orjson

from adapters.profile.profile import profiles
from demo.client import NDJSON
from tests.interconnection.deployment import STALLED, SiteDeployment, deployed, until
from tests.interconnection.drained import Drained, read_drained
from tests.interconnection.offers import REGIONS, TOWNS, Offer, offer

SPEED = 20.0
"""Factor of the site's fast time. The rate of an account then allows a call every 29 ms."""
_BATCH = 500
Say = Callable[[str], None]


async def drain(
    folder: Path, *, offers: int, kills: int, speed: float = SPEED, kafka: str | None = None, say: Say = lambda _: None
) -> Drained:
    """Publish ``offers`` offers of nine platforms over HTTP, kill the gateway ``kills`` times meanwhile, and count.
    Raises TimeoutError when nothing moves any more, GatewayDiedError when the gateway ends by itself.
    """
    loop = asyncio.get_running_loop()
    shares = {slug: _offers(slug, range(number, offers, len(REGIONS))) for number, slug in enumerate(REGIONS)}
    addresses = [one["apply_url"] for share in shares.values() for one in share]
    async with deployed(folder, speed=speed, kafka=kafka) as deployment:
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for slug, share in shares.items():
                group.create_task(_publish(deployment, slug, share))
            group.create_task(_kill(deployment, offers, kills, say))
        await _until_made(deployment, offers)
        await _until_submitted(deployment, offers)
        return read_drained(deployment.site, addresses, kills=kills, seconds=loop.time() - began)


def _offers(slug: str, numbers: Iterable[int]) -> list[Offer]:
    host = profiles()[slug].hosts[0]
    return [{**offer(slug, number, town=TOWNS[slug], host=host), "revision": 1} for number in numbers]


async def _publish(deployment: SiteDeployment, slug: str, offers: Sequence[Offer]) -> None:
    """In batches; one whose answer was lost with the gateway is sent again, as the protocol requires."""
    async with deployment.client(slug) as client:
        for start in range(0, len(offers), _BATCH):
            body = b"".join(orjson.dumps(one) + b"\n" for one in offers[start : start + _BATCH])
            answer = await client.call("POST", "/v1/offers/batch", body=body, media_type=NDJSON)
            assert answer.status == 202, answer.explain()


async def _kill(deployment: SiteDeployment, offers: int, kills: int, say: Say) -> None:
    """Each time after another share of the offers has reached the site."""
    for number in range(1, kills + 1):
        await _until_made(deployment, offers * number // (kills + 1))
        say(f"kill {number}, {len(deployment.site.stock.rows):,} offers at the site")
        await deployment.restart()


async def _until_made(deployment: SiteDeployment, count: int) -> None:
    await until(lambda: len(deployment.site.stock.rows) >= count, deployment)


async def _until_submitted(deployment: SiteDeployment, offers: int) -> None:
    """Wait until the gateway reports that all are delivered and none is pending. Raises TimeoutError."""
    async with asyncio.timeout(STALLED):
        while True:
            standing = await deployment.standing()
            delivered, pending = (
                sum(standing[slug]["details"][name] for slug in REGIONS) for name in ("delivered", "pending")
            )
            if (delivered, pending) == (offers, 0):
                return
            await asyncio.sleep(0.2)
