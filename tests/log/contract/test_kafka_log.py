"""The event-log contract on a real Apache Kafka; each test in topics of its own, behind a proxy of its own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from demo.broker import LocalBroker
from gateway.errors import LogUnavailableError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.kafka.admin import wanted
from gateway.log.kafka.aiokafka_patches import abort_producer
from gateway.log.port import EventLog, Output
from gateway.protocol.record import Record
from tests.log.contract.event_log import EventLogContract
from tests.log.contract.log_fixture import DEADLINE, TOPICS, read
from tests.log.kafka.proxy import END_TXN, PRODUCE, Proxy

pytestmark = pytest.mark.kafka

CLEAN_NOW = {"segment.ms": "1", "min.cleanable.dirty.ratio": "0.0", "delete.retention.ms": "3000"}
"""The first cleaning writes down when a delete may go, so it must be soon, but not before the test has seen it."""


@dataclass
class KafkaStorage:
    """A prefix on the broker, reached through the proxy."""

    settings: KafkaSettings
    proxy: Proxy
    opened: list[AIOKafkaProducer] = field(default_factory=list)


@asynccontextmanager
async def connected(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def configure(settings: KafkaSettings, changes: dict[str, str]) -> None:
    """Set these on all topics, over their initial configuration."""
    async with connected(settings) as admin:
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, settings.topic(topic.name), wanted(topic, settings) | changes)
            for topic in TOPICS
        ]
        await admin.alter_configs(resources)


async def roll(settings: KafkaSettings, name: str) -> None:
    """Begin new segments on all partitions, by a transaction that is aborted and so never visible."""
    identity = f"{settings.prefix}.roll"
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id=identity)
    async with producer:
        await producer.begin_transaction()
        for partition in range(settings.partitions):
            await producer.send_and_wait(settings.topic(name), b"", key=b"roll", partition=partition)
        await producer.abort_transaction()


async def clean(log: EventLog, topic: str, *, deletes: bool) -> None:
    """Roll and wait until the cleaner has left no key twice and, if so asked, no tombstone."""
    settings = settings_of(log)
    await configure(settings, CLEAN_NOW)
    async with asyncio.timeout(DEADLINE):
        while True:
            await roll(settings, topic)
            for _ in range(20):
                stored = await read(log, topic)
                unique = len({one.key for one in stored}) == len(stored)
                if unique and not (deletes and any(one.value is None for one in stored)):
                    return
                await asyncio.sleep(0.1)


def settings_of(log: EventLog) -> KafkaSettings:
    assert isinstance(log, KafkaLog)
    return log._settings


class OpenTransaction:
    """A raw producer in the middle of a transaction."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def commit(self) -> None:
        await self._producer.commit_transaction()

    async def abort(self) -> None:
        await self._producer.abort_transaction()


class TestKafkaLog(EventLogContract):
    @pytest.fixture
    async def storage(self, kafka_broker: LocalBroker) -> AsyncIterator[KafkaStorage]:
        async with Proxy(kafka_broker.advertised["VIA"], kafka_broker.ports["VIA"]) as proxy:
            prefix = f"t{uuid.uuid4().hex[:12]}"
            settings = KafkaSettings(bootstrap_servers=proxy.bootstrap_servers, prefix=prefix)
            storage = KafkaStorage(settings, proxy)
            yield storage
            for producer in storage.opened:
                await abort_producer(producer)
            async with connected(settings) as admin:
                await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(prefix)])

    async def open_log(self, storage: KafkaStorage) -> EventLog:
        return await KafkaLog.open(storage.settings)

    async def open_transaction(
        self, storage: KafkaStorage, role: str, partition: int, outputs: Sequence[Output]
    ) -> OpenTransaction:
        producer = AIOKafkaProducer(
            bootstrap_servers=storage.settings.bootstrap_servers,
            transactional_id=storage.settings.transactional_id(role, partition),
        )
        storage.opened.append(producer)
        await producer.start()
        await producer.begin_transaction()
        for output in outputs:
            topic, record = storage.settings.topic(output.topic), output.record
            await producer.send_and_wait(topic, record.value, key=record.key, partition=output.partition)
        return OpenTransaction(producer)

    async def compact(self, log: EventLog, topic: str) -> None:
        await clean(log, topic, deletes=False)

    async def purge(self, log: EventLog, topic: str) -> None:
        await clean(log, topic, deletes=True)

    async def expire(self, log: EventLog, topic: str) -> None:
        settings = settings_of(log)
        everything = {
            TopicPartition(settings.topic(topic), partition): RecordsToDelete(before_offset=end)
            for partition, end in enumerate(await log.ends(topic))
        }
        async with connected(settings) as admin:
            await admin.delete_records(everything)

    @asynccontextmanager
    async def refuse_writes(self, storage: KafkaStorage, log: EventLog) -> AsyncIterator[None]:
        await configure(storage.settings, {"max.message.bytes": "1000"})
        await _refuses(log)
        yield
        await configure(storage.settings, {})

    @asynccontextmanager
    async def lose_answers(self, storage: KafkaStorage, log: EventLog) -> AsyncIterator[None]:  # noqa: ARG002 - the port's
        with storage.proxy.hold(PRODUCE, END_TXN, direction="answer"):
            yield

    @asynccontextmanager
    async def stall(self, storage: KafkaStorage, log: EventLog) -> AsyncIterator[None]:  # noqa: ARG002 - the port's
        with storage.proxy.hold(PRODUCE):
            yield


async def _refuses(log: EventLog) -> None:
    """Wait until the broker uses its new settings, which reach it later; checked on the last topic that was set."""
    async with asyncio.timeout(DEADLINE):
        with suppress(LogUnavailableError):
            while True:
                await log.append(TOPICS[-1].name, 0, [Record(b"probe", bytes(2_000))])
