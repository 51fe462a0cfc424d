"""A subscriber topic is read to the end that it has at that moment, or is reported as unread."""

import asyncio
import secrets
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from conformance.model.result import UnverifiableError
from conformance.target.cluster import Cluster
from conformance.target.setup import Setup, TargetAccount
from conformance.target.topic import SubscriberTopic, subscriber_topics

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]
_OTHERS = 150
"""Records that others write in one reading, at most; a reading takes two requests."""
_LARGE = 900_000
"""Bytes of a record of which a consumer has one at once."""
_CHECKSUM = 17
"""Where the checksum of a batch is, over all that follows it."""


@asynccontextmanager
async def admin_of(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def opened(servers: str) -> AsyncIterator[SubscriberTopic]:
    """An empty topic of one partition, opened as in a run."""
    cluster = Cluster(
        servers=servers, accounts=("subscriber",), prefix=f"read-{secrets.token_hex(4)}", security="PLAINTEXT"
    )
    account = TargetAccount(platform="lecteur", client_id="lecteur", secret="x")
    async with admin_of(servers) as admin:
        await admin.create_topics([NewTopic(cluster.topic("lecteur"), 1, 1)])
    setup = Setup(role="gateway", target="http://127.0.0.1:1", accounts={"subscriber": account}, cluster=cluster)
    async with subscriber_topics(setup) as topics:
        yield topics["subscriber"]


@asynccontextmanager
async def producing(servers: str, transaction: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=servers, transactional_id=transaction)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def keys(topic: SubscriberTopic) -> Sequence[str]:
    await topic.read()
    return [each.key for each in topic.records]


async def test_a_topic_that_others_write_to_all_the_time_is_read_to_the_end_that_it_had(kafka_servers: str) -> None:
    async with opened(kafka_servers) as topic, producing(kafka_servers) as producer:
        await producer.send_and_wait(topic.name, b"", b"a")
        reading, others = asyncio.create_task(keys(topic)), 0
        while not reading.done() and others < _OTHERS:
            await producer.send_and_wait(topic.name, b"", b"other")
            others += 1
        assert reading.done()
        assert "a" == reading.result()[0]


async def test_a_topic_ends_before_the_first_open_transaction_and_behind_what_was_aborted(kafka_servers: str) -> None:
    async with opened(kafka_servers) as topic, producing(kafka_servers, topic.name) as producer:
        async with producer.transaction():
            await producer.send(topic.name, b"", b"a")
        assert ["a"] == await keys(topic)
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"", b"aborted")
        await producer.abort_transaction()
        assert ["a"] == await keys(topic)
        async with producer.transaction():
            await producer.send_and_wait(topic.name, b"", b"b")
            assert ["a"] == await keys(topic)
        assert ["a", "b"] == await keys(topic)


async def test_a_topic_that_lost_records_before_they_were_read_is_reported(kafka_servers: str) -> None:
    async with opened(kafka_servers) as topic, producing(kafka_servers) as producer, admin_of(kafka_servers) as admin:
        for key in (b"a", b"b", b"c", b"d"):
            await producer.send_and_wait(topic.name, bytes(_LARGE), key)
        await admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(before_offset=3)})
        with pytest.raises(UnverifiableError, match="OffsetOutOfRange"):
            await topic.read()


async def test_a_header_whose_name_is_not_utf_8_is_reported(kafka_servers: str) -> None:
    async with opened(kafka_servers) as topic, producing(kafka_servers) as producer:
        batch = producer.create_batch()
        batch.append(key=b"a", value=b"", timestamp=None, headers=[("ce_x", b"")])
        written = bytearray(batch._build()).replace(b"ce_x", b"ce_\xff")
        struct.pack_into(">I", written, _CHECKSUM, calc_crc32c(written[_CHECKSUM + 4 :]))
        batch._buffer = written  # no producer encodes such a name
        await (await producer.send_batch(batch, topic.name, partition=0))
        with pytest.raises(UnverifiableError, match="UnicodeDecodeError"):
            await topic.read()
