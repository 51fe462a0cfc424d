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
from demo.client import NDJSON, Client, ClientAnswer
from demo.generator import generate
from gateway.clock import now
from gateway.log.port import EventLog
from gateway.log.positions import read_positions
from gateway.log.reading import read_all
from gateway.protocol.identity import partition_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import position_key
from gateway.protocol.topic import REQUESTS, SUBMISSIONS
from tests.faults.deployment import Deployment
from tests.faults.ending import decided, read_offers, read_receipts

pytestmark = pytest.mark.slow

OFFERS_SENT = (1_500, 4_500, 13_500)
"""A snapshot that is answered before the kill on a busy machine is followed by a larger one."""
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
    try:
        replica = await deployment.add_replica()
        async with deployment.log() as log, aiohttp.ClientSession() as session:
            client = Client(session, replica.url, client_id=PLATFORM, client_secret=deployment.secrets[PLATFORM])
            for number in OFFERS_SENT:
                await replica.ready()
                offers = _offers(number)
                sending = await _send_until(moment, log, client, offers)
                await replica.kill()
                caught = not sending.done()
                await replica.start()
                answer = await sending
                assert (True, len(offers)) == (answer.ok, answer.body["queued"]), answer
                await _decided(log)
                if caught:
                    break
            assert caught, "each snapshot was answered before its gateway was killed"
            assert len(offers) == len(await read_offers(log))
            assert {"accepted", "duplicate"} >= {one.verdict for one in await read_receipts(log)}
            assert OFFERS_SENT.index(number) + 1 == [one["kind"] for one in await _requests(log)].count("answer")
    finally:
        await deployment.close()


async def _send_until(moment: str, log: EventLog, client: Client, offers: list[bytes]) -> asyncio.Task[ClientAnswer]:
    """Send a snapshot, and wait for the moment of the kill: the first of its offers is on the log, or its mark is used
    up and its answer still waits for the decisions.
    """
    reached = _queued if moment == "queuing" else _used_mark
    taken = await client.call("POST", "/v1/snapshots/marks")
    before = await reached(log)
    sending = asyncio.create_task(_send(client, taken.body["mark"], offers))
    async with asyncio.timeout(_SECONDS):
        while await reached(log) == before and not sending.done():
            await asyncio.sleep(0.002)
    return sending


async def _queued(log: EventLog) -> int:
    return sum(await log.ends(SUBMISSIONS))


async def _used_mark(log: EventLog) -> int:
    home = partition_of(PLATFORM, log.partitions)
    used = position_key(f"snapshot.{PLATFORM}", home).decode()
    return (await read_positions(log, home)).get(used, -1)


def _offers(number: int) -> list[bytes]:
    on = date.fromisoformat(paris_date(now()))
    lines = [orjson.dumps(one.document) for one in generate(1, PLATFORM, number, on, wrong=0.0)]
    return [line for line in lines if schemas.check(line, on=on).accepted]


async def _send(client: Client, mark: str, offers: list[bytes]) -> ClientAnswer:
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


async def _decided(log: EventLog) -> None:
    async with asyncio.timeout(_SECONDS):
        while not await decided(log):
            await asyncio.sleep(0.2)


async def _requests(log: EventLog) -> list[dict[str, Any]]:
    async with read_all(log, REQUESTS, limit=100) as chunks:
        return [orjson.loads(one.value or b"") async for chunk in chunks for one in chunk.records]
