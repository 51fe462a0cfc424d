"""Topics with a partition that has no leader for a while: they exist all the same, and its readers wait."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from gateway.errors import LogUnavailableError, TopicError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.protocol.topic import SUBMISSIONS
from tests.log.contract.log_fixture import opened_log, record
from tests.log.kafka.cluster import LocalCluster

pytestmark = pytest.mark.kafka

PATIENCE = 4.0


async def leaders(settings: KafkaSettings) -> list[int]:
    """The leader of each partition of ``submissions``, -1 without one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        [topic] = await admin.describe_topics([settings.topic(SUBMISSIONS)])
    finally:
        await admin.close()
    return [part["leader"] for part in sorted(topic["partitions"], key=lambda part: part["partition"])]


async def insist(attempt: Callable[[], Awaitable[object]]) -> None:
    """Until a running broker is asked."""
    async with asyncio.timeout(60):
        while True:
            with suppress(LogUnavailableError, KafkaError):
                await attempt()
                return
            await asyncio.sleep(0.05)


async def without_leader(settings: KafkaSettings, partition: int) -> None:
    if (await leaders(settings))[partition] != -1:
        raise KafkaError("it is still told that somebody leads")


async def test_a_topic_without_one_leader_is_not_taken_for_missing(kafka_cluster: LocalCluster) -> None:
    """Each topic is on one broker here. Taken for missing it would have ended the relay."""
    settings = KafkaSettings(bootstrap_servers=kafka_cluster.bootstrap_servers, prefix="leaderless", patience=PATIENCE)
    async with opened_log(KafkaLog.open(settings)) as log:
        led_by = await leaders(settings)
        partition = led_by.index(max(led_by))
        await asyncio.to_thread(kafka_cluster.kill, [led_by[partition]])
        await insist(lambda: without_leader(settings, partition))
        for _ in range(5):
            with pytest.raises(TopicError, match="inbox"):
                await insist(lambda: log.ends("inbox.nobody"))
        with pytest.raises(LogUnavailableError):
            await log.append(SUBMISSIONS, partition, [record("late")])
        await asyncio.to_thread(kafka_cluster.start, [led_by[partition]])
        await insist(lambda: log.append(SUBMISSIONS, partition, [record("back")]))
