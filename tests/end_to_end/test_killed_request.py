"""A gateway killed during a snapshot: the request, repeated by its client, runs soon and once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

import schemas
from gateway.client import NDJSON, Answer, Client
from gateway.clock import now
from gateway.demo.generator import generate
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.log.reading import read_all
from gateway.protocol.decide import paris_date
from gateway.protocol.identity import partition_of
from gateway.protocol.record import position_key
from gateway.protocol.topic import REQUESTS, SUBMISSIONS
from tests.faults.deployment import Deployment
from tests.faults.ending import decided, read_offers, read_receipts

OFFERS_SENT = 1_500
PLATFORM = "bretagne"
_SECONDS = 100.0


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    return Deployment(tmp_path, kafka=request.getfixturevalue("kafka_servers") if request.param == "kafka" else None)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", ["queuing", "applied"])
async def test_a_snapshot_of_a_killed_gateway_is_repeated_before_its_client_gives_up(
    deployment: Deployment, moment: str
) -> None:
    """[PUB-022] [PUB-041] [PUB-042] [PUB-044] One client, one key: the claim ends with the process that made it, and
    the mark of a snapshot that was applied before its answer serves the same request once more.
    """
    await deployment.onboard()
    offers = _offers()
    try:
        replica = await deployment.add_replica()
        await replica.ready()
        async with deployment.log() as log, aiohttp.ClientSession() as session:
            client = Client(session, replica.url, client_id=PLATFORM, client_secret=deployment.secrets[PLATFORM])
            taken = await client.call("POST", "/v1/snapshots/marks")
            sending = asyncio.create_task(_send(client, taken.body["mark"], offers))
            await (_begun(log, sending) if moment == "queuing" else _applied(log, sending))
            await replica.kill()
            assert not sending.done()
            assert {"claim", "renewal"} >= {one["kind"] for one in await _requests(log)}
            await replica.start()
            answer = await sending
            assert (True, len(offers)) == (answer.ok, answer.body["queued"])
            await _decided(log)
            assert len(offers) == len(await read_offers(log))
            assert {"accepted", "duplicate"} >= {one.verdict for one in await read_receipts(log)}
            assert 1 == [one["kind"] for one in await _requests(log)].count("answer")
    finally:
        await deployment.close()


def _offers() -> list[bytes]:
    on = date.fromisoformat(paris_date(now()))
    lines = [orjson.dumps(one.document) for one in generate(1, PLATFORM, OFFERS_SENT, on, wrong=0.0)]
    return [line for line in lines if schemas.check(line, on=on).accepted]


async def _send(client: Client, mark: str, offers: list[bytes]) -> Answer:
    lines = [*offers, orjson.dumps({"count": len(offers)})]

    async def body() -> AsyncIterator[bytes]:
        for line in lines:
            yield line + b"\n"

    return await client.call(
        "POST",
        "/v1/snapshots",
        params={"mark": mark},
        body=body,
        media_type=NDJSON,
        headers={"Prefer": "wait=30"},
    )


async def _begun(log: EventLog, sending: asyncio.Task[Answer]) -> None:
    """Wait until the first offers are on the log."""
    async with asyncio.timeout(_SECONDS):
        while not sum(await log.ends(SUBMISSIONS)) and not sending.done():
            await asyncio.sleep(0.002)


async def _applied(log: EventLog, sending: asyncio.Task[Answer]) -> None:
    """Wait until its mark is used up; its answer still waits for the decisions."""
    home = partition_of(PLATFORM, log.partitions)
    used = position_key(f"snapshot.{PLATFORM}", home).decode()
    async with asyncio.timeout(_SECONDS):
        while used not in await read_positions(log, home) and not sending.done():
            await asyncio.sleep(0.002)


async def _decided(log: EventLog) -> None:
    async with asyncio.timeout(_SECONDS):
        while not await decided(log):
            await asyncio.sleep(0.2)


async def _requests(log: EventLog) -> list[dict[str, Any]]:
    async with read_all(log, REQUESTS, limit=100) as chunks:
        return [orjson.loads(one.value or b"") async for chunk in chunks for one in chunk.records]
