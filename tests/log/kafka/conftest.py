"""A fresh set of topics on a real broker, reached through a proxy that the test controls."""

import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from demo.broker import LocalBroker
from gateway.log.kafka import KafkaLog, KafkaSettings
from tests.log.contract.log_fixture import opened_log
from tests.log.kafka.proxy import Proxy


@pytest.fixture
async def proxy(kafka_broker: LocalBroker) -> AsyncIterator[Proxy]:
    async with Proxy(kafka_broker.advertised["VIA"], kafka_broker.ports["VIA"]) as proxy:
        yield proxy


@pytest.fixture
async def settings(kafka_broker: LocalBroker, proxy: Proxy) -> AsyncIterator[KafkaSettings]:
    """Names that no other test uses; its topics are deleted afterwards."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    yield KafkaSettings(bootstrap_servers=proxy.bootstrap_servers, prefix=prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_topics([name for name in await admin.list_topics() if name.startswith(prefix)])
    finally:
        await admin.close()


@pytest.fixture
async def log(settings: KafkaSettings) -> AsyncIterator[KafkaLog]:
    async with opened_log(KafkaLog.open(settings)) as log:
        yield log
