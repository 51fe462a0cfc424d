"""A broker isolated from the others: for its clients it still acts as leader."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from gateway.errors import LogUnavailableError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.port import LogReader
from gateway.protocol.record import Record
from gateway.protocol.topic import SUBMISSIONS
from tests.log.contract.log_fixture import keys, opened_log, record
from tests.log.kafka.cluster import SIZE, LocalCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]
_LEAD_SECONDS = 30.0
_READ_SECONDS = 60.0


@pytest.fixture
async def log(kafka_cluster: LocalCluster) -> AsyncIterator[KafkaLog]:
    async with opened_log(
        KafkaLog.open(KafkaSettings(bootstrap_servers=kafka_cluster.bootstrap_servers, replication=SIZE))
    ) as log:
        yield log


async def leader(servers: str, topic_partition: TopicPartition) -> int:
    """The leader in the metadata of these brokers."""
    client = AIOKafkaClient(bootstrap_servers=servers)
    await client.bootstrap()
    try:
        await client.set_topics([topic_partition.topic])
        leader: int = client.cluster.leader_for_partition(topic_partition)
        return leader
    finally:
        await client.close()


async def next_keys(reader: LogReader) -> list[str]:
    """The next records; empty without any."""
    return [key for chunk in await reader.poll(limit=10, wait=_READ_SECONDS) for key in keys(chunk.records)]


async def append_elsewhere(settings: KafkaSettings, late: Record) -> None:
    """Append by a connection of its own, again as long as Kafka is certain not to have it."""
    async with opened_log(KafkaLog.open(settings), ()) as log:
        async with asyncio.timeout(_LEAD_SECONDS):
            while True:
                with contextlib.suppress(LogUnavailableError):
                    await log.append(SUBMISSIONS, 0, [late])
                    return


async def test_a_reader_continues_at_the_true_leader(kafka_cluster: LocalCluster, log: KafkaLog) -> None:
    """The old leader returns no error, but no new records."""
    topic_partition = TopicPartition(log._settings.topic(SUBMISSIONS), 0)
    old = await leader(kafka_cluster.bootstrap_servers, topic_partition)
    others = ",".join(broker.bootstrap_servers for number, broker in kafka_cluster.brokers.items() if number != old)
    await log.append(SUBMISSIONS, 0, [record("before")])
    async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
        read = await next_keys(reader)
        with kafka_cluster.isolated(old):
            async with asyncio.timeout(_LEAD_SECONDS):
                while await leader(others, topic_partition) in {old, -1}:
                    await asyncio.sleep(0.2)
            await append_elsewhere(replace(log._settings, bootstrap_servers=others), record("after"))
            read += await next_keys(reader)
    assert ["before", "after"] == read
