"""Hundreds of offers at once: in the fewest calls and minutes that the site's limit allows, on each kind of log."""

import uuid
from pathlib import Path

import pytest

from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import COMMON
from tests.national.connector.conftest import Make
from tests.national.connector.harness import ConnectorHarness, document, eventually

pytestmark = pytest.mark.slow

COUNT = 520


async def drain(harness: ConnectorHarness, count: int, *, interruptions: int = 0) -> set[int]:
    """Deliver, cut off in between, and give the minutes of the site's clock that calls were made in."""
    ids = [f"bretagne:{number}" for number in range(count)]
    await harness.publish(*(document(one) for one in ids))
    for number in range(interruptions):
        await harness.start(folder=f"disk-{number % 2}")
        await eventually(lambda some=count * (number + 1) // 8: len(harness.simulator.stock.rows) >= some)
        await harness.stop()
    await harness.start()
    await harness.until_states(dict.fromkeys(ids, "delivered"), seconds=100)
    assert set(ids) == set(harness.live())
    return {minute for _, service, minute in harness.simulator.counted if service == "offers"}


async def test_the_queue_is_drained_in_the_fewest_calls_and_never_above_the_limit(make_harness: Make) -> None:
    harness = await make_harness(speed=1_200.0)
    minutes = await drain(harness, COUNT)
    assert COUNT == harness.simulator.answered["POST", 201]
    assert 0 == sum(number for (_, status), number in harness.simulator.answered.items() if status == 429)
    assert 0 == harness.calls("GET") + harness.calls("PATCH") + harness.calls("DELETE")
    assert len(minutes) >= COUNT // 100


async def test_interrupted_on_the_embedded_log_nothing_is_lost_or_doubled(make_harness: Make, tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.sqlite", partitions=3)
    try:
        harness = await make_harness(log, speed=1_200.0)
        await drain(harness, COUNT, interruptions=4)
        assert COUNT == harness.simulator.answered["POST", 201]
        assert 40 > harness.calls("GET") + harness.calls("PATCH")
        await harness.stop()
        await harness.partners.close()
    finally:
        await log.close()


@pytest.mark.kafka
async def test_interrupted_on_kafka_nothing_is_lost_or_doubled(make_harness: Make, kafka_servers: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka_servers, prefix=f"national-{uuid.uuid4().hex[:8]}")
    log = await KafkaLog.open(settings)
    try:
        await log.create_topics(COMMON)
        harness = await make_harness(log, speed=1_200.0)
        await drain(harness, 120, interruptions=2)
        assert 120 == harness.simulator.answered["POST", 201]
        await harness.stop()
        await harness.partners.close()
    finally:
        await log.close()
