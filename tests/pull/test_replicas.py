"""Two replicas on a real Kafka: a feed is pulled by one of them, and by the other when the first is gone."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.pull.pulls import Pulls, last_runs, order_run
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.protocol.source_run import RunOrder, SourceRun
from tests.pull.pull_harness import PullHarness, pull_harness
from tests.pull.test_pulls import save

pytestmark = pytest.mark.slow

WITHIN = 60.0


@pytest.fixture
async def bretagne(kafka_servers: str, tmp_path: Path) -> AsyncIterator[PullHarness]:
    settings = KafkaSettings(bootstrap_servers=kafka_servers, prefix=f"pull-{uuid.uuid4().hex[:8]}")
    async with pull_harness(tmp_path, kafka=await KafkaLog.open(settings)) as here:
        here.offers(1, 2)
        await save(here, here.profile)
        yield here


async def order(here: PullHarness, name: str) -> SourceRun:
    run = await order_run(
        here.log, RunOrder(platform="bretagne", id=name, ordered_at=here.means.clock()), seconds=WITHIN
    )
    assert run is not None
    return run


@pytest.mark.kafka
async def test_one_of_two_replicas_pulls_and_the_other_takes_over(bretagne: PullHarness) -> None:
    replicas = [asyncio.create_task(Pulls(bretagne.means).run()) for _ in range(2)]
    try:
        async with asyncio.timeout(WITHIN):
            while "bretagne" not in await last_runs(bretagne.log):
                await asyncio.sleep(0.1)
        await order(bretagne, "before")
        before = bretagne.region.requests
        for number in range(3):
            assert "applied" == (await order(bretagne, f"both{number}")).outcome
        assert before + 3 == bretagne.region.requests, "each order was carried out by one replica"
        replicas[0].cancel()
        await asyncio.gather(replicas[0], return_exceptions=True)
        assert "applied" == (await order(bretagne, "one-left")).outcome
        assert not replicas[1].done()
        assert {"1", "2"} == set(await bretagne.live())
    finally:
        for replica in replicas:
            replica.cancel()
        await asyncio.gather(*replicas, return_exceptions=True)
