"""[T-11, T-35, T-52] Anonymous clients that flood every public address with the worst requests slow no partner down."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from demo.client import NDJSON, Client
from demo.tether import tether, tethered
from tests.damage.populated import PUBLISHER, offer, onboard
from tests.faults.process import ROOT, GatewayProcess
from tests.threats.flood import CLIENTS, Orders
from tests.threats.hostile import public_routes
from tests.threats.test_anonymous_requests import served

pytestmark = [pytest.mark.slow, pytest.mark.alone]

PUTS = 200
PUBLIC_OFFERS, BATCH = 20_000, 1_000
WAIT = {"Prefer": "wait=30"}
TIMES = 3
"""A partner's slowest answers in a hundred, beside those without a flood."""
TRIES = 4
ONE = ["127.0.0.2"]
TWENTY = [f"127.0.0.{number}" for number in range(2, 2 + CLIENTS)]


class Publisher:
    """A partner that sends one offer after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._number = 0

    async def many(self) -> None:
        """Publish many offers, and wait until they are listed."""
        for first in range(0, PUBLIC_OFFERS, BATCH):
            offers = [offer(number) for number in range(10_000_000 + first, 10_000_000 + first + BATCH)]
            body = b"\n".join(map(orjson.dumps, offers))
            answer = await self._client.call("POST", "/v1/offers/batch", body=body, media_type=NDJSON, headers=WAIT)
            assert answer.ok, answer.explain()

    async def slowest(self) -> float:
        """Seconds within which 99 of 100 offers are answered."""
        spent = []
        for _ in range(PUTS):
            self._number += 1
            body = orjson.dumps(offer(self._number))
            began = time.monotonic()
            answer = await self._client.call("PUT", f"/v1/offers/{PUBLISHER}:d{self._number}", body=body)
            spent.append(time.monotonic() - began)
            assert answer.status in {200, 201, 202}, answer.explain()
        return sorted(spent)[PUTS * 99 // 100]


@asynccontextmanager
async def flooded(orders: Orders, counts: dict[str, int]) -> AsyncIterator[None]:
    """Flood within the block; then ``counts`` has the answers."""
    process = await asyncio.create_subprocess_exec(
        *tethered([sys.executable, "-m", "tests.threats.flood"]),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=tether(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(orders.line())
    await process.stdin.drain()
    assert b"flooding\n" == await process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        output, _ = await process.communicate()
        counts.update(json.loads(output))


@pytest.fixture(params=[0, 2], ids=["embedded", "two workers"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    settings = {"PASSERELLE_WORKERS": str(request.param), "PASSERELLE_LOG_LEVEL": "warning"}
    gateway = GatewayProcess("gateway", tmp_path / "data", settings)
    secrets = await onboard(tmp_path / "data")
    (tmp_path / "secret").write_text(secrets[PUBLISHER])
    await gateway.start()
    try:
        await gateway.ready()
        yield gateway
    finally:
        await gateway.stop()


@pytest.fixture
async def routes(tmp_path: Path) -> Sequence[tuple[str, str]]:
    async with served(tmp_path / "routes") as (app, _):
        return public_routes(app)


@pytest.mark.parametrize("kind", ["requests", "searches", "half-sent", "endless"])
async def test_a_flood_slows_no_partner_down(
    gateway: GatewayProcess, routes: Sequence[tuple[str, str]], tmp_path: Path, kind: str
) -> None:
    """Twenty clients of one address, then of twenty: whole requests, searches of public offers, half-sent forms, bodies
    without an end.
    """
    async with aiohttp.ClientSession() as session:
        secret = (tmp_path / "secret").read_text()
        publisher = Publisher(Client(session, gateway.url, client_id=PUBLISHER, client_secret=secret))
        if kind == "searches":
            await publisher.many()
        await publisher.slowest()
        for addresses in (ONE, TWENTY):
            orders = Orders(gateway.port, addresses, routes, gateway.url, kind)
            found = [await slowed(publisher, orders)]
            while min(found)[0] > TIMES and len(found) < TRIES:
                found.append(await slowed(publisher, orders))
            assert min(found)[0] <= TIMES, (len(addresses), found)


async def slowed(publisher: Publisher, orders: Orders) -> tuple[float, float, dict[str, int]]:
    """How many times as long the slowest answers take in a flood, the seconds without it, and the flood's answers."""
    counts: dict[str, int] = {}
    calm = await publisher.slowest()
    async with flooded(orders, counts):
        slow = await publisher.slowest()
    return round(slow / calm, 1), calm, counts
