"""Reading content that only a real Kafka holds: partners' batches, control records, compressed data."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.util import calc_crc32c

from gateway.errors import LogUnavailableError, PositionLostError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.kafka.admin import AdminQueries
from gateway.log.kafka.reader import KafkaReader
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import SUBMISSIONS, inbox
from tests.log.contract.log_fixture import DEADLINE, read, record

pytestmark = [pytest.mark.kafka, pytest.mark.smoke]

INBOX = inbox("bretagne")


@pytest.fixture
async def partner(log: KafkaLog, settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A publisher's own client."""
    await log.create_topics([INBOX])
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        yield producer


async def send_raw_header_name(producer: AIOKafkaProducer, topic: str, name: bytes) -> None:
    """A batch of one record whose only header has this name, which the library itself would not write."""
    batch = producer.create_batch()
    stand_in = b"#" * len(name)
    batch.append(key=b"odd", value=b"odd", timestamp=None, headers=[(stand_in.decode(), b"")])
    content = bytearray(bytes(batch._build()).replace(stand_in, name))
    struct.pack_into(">I", content, 17, calc_crc32c(bytes(content[21:])))
    batch._buffer = bytes(content)
    await (await producer.send_batch(batch, topic, partition=0))


async def test_header_names_that_are_not_utf8_do_not_block_a_partition(
    log: KafkaLog, partner: AIOKafkaProducer, settings: KafkaSettings
) -> None:
    """The record comes with U+FFFD in the name, so that intake can refuse it; those around it come whole."""
    topic = settings.topic(INBOX.name)
    for number in range(2):
        await partner.send_and_wait(topic, b"good", key=b"before%d" % number, partition=0)
    for _ in range(2):
        await send_raw_header_name(partner, topic, b"\xff\xfe\xfd")
    await partner.send_and_wait(topic, b"good", key=b"after", partition=0)

    stored = await read(log, INBOX.name)

    assert [b"before0", b"before1", b"odd", b"odd", b"after"] == [one.key for one in stored]
    assert [(), (), ("\ufffd" * 3,), ("\ufffd" * 3,), ()] == [tuple(name for name, _ in one.headers) for one in stored]
    assert list(range(5)) == [one.offset for one in stored]


async def test_a_header_without_a_value_is_an_empty_one(
    log: KafkaLog, partner: AIOKafkaProducer, settings: KafkaSettings
) -> None:
    await partner.send_and_wait(
        settings.topic(INBOX.name), b"v", key=b"k", partition=0, headers=[("ce_id", None), ("ce_id", b"2")]
    )
    (stored,) = await read(log, INBOX.name)
    assert (("ce_id", b""), ("ce_id", b"2")) == stored.headers
    assert "" == stored.header("ce_id")


async def test_a_partner_s_clock_does_not_count(
    log: KafkaLog, partner: AIOKafkaProducer, settings: KafkaSettings
) -> None:
    """The time of a record is the time at which the log got it."""
    appended = await log.append(INBOX.name, 0, [record("ours")])
    await partner.send_and_wait(settings.topic(INBOX.name), b"v", key=b"theirs", partition=0, timestamp_ms=1_000)
    ours, theirs = await read(log, INBOX.name)
    assert appended.first == ours.offset
    assert 0 <= theirs.appended_at - ours.appended_at < 10_000


async def test_packed_batches_are_unpacked_by_the_broker(
    log: KafkaLog, partner: AIOKafkaProducer, settings: KafkaSettings
) -> None:
    """So that the gateway needs no codec of a partner's choice, and nothing small becomes large inside it."""
    topic = settings.topic(INBOX.name)
    await partner.send_and_wait(topic, b"plain", key=b"plain", partition=0)
    packer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, compression_type="gzip", max_request_size=100_000_000
    )
    async with packer:
        await packer.send_and_wait(topic, b"packed", key=b"packed", partition=0)
        with pytest.raises(MessageSizeTooLargeError):
            await packer.send_and_wait(topic, bytes(50_000_000), key=b"bomb", partition=0)
    assert [b"plain", b"packed"] == [one.value for one in await read(log, INBOX.name)]


async def test_a_reader_reaches_the_end_behind_aborted_transactions(log: KafkaLog, settings: KafkaSettings) -> None:
    """Only aborted records and control records are between the position and the end."""
    topic = settings.topic("offers")
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id="aborter") as producer:
        for _ in range(3):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"v", key=b"aborted", partition=0)
            await producer.abort_transaction()
    async with asyncio.timeout(DEADLINE):
        while (await log.ends("offers"))[0] < 6:
            await asyncio.sleep(0.02)
    found: list[StoredRecord] = await read(log, "offers")
    assert [] == found


class Knowing(AdminQueries):
    """Admin queries to brokers that hold more than the broker that is asked to read."""

    def __init__(self) -> None:
        """Without clients."""

    async def starts(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(topic_partitions, 0)

    async def ends(self, topic_partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(topic_partitions, 10)


async def test_a_position_that_only_one_broker_denies_is_not_lost(log: KafkaLog, settings: KafkaSettings) -> None:
    """A resumed broker acts as leader for a moment, without the records written meanwhile."""
    await log.append(SUBMISSIONS, 0, [record("before it slept")])
    for position, error in ((10, LogUnavailableError), (11, PositionLostError)):
        reader = KafkaReader(settings, {(SUBMISSIONS, 0): position}, find=log._topic_partitions, admin=Knowing())
        async with reader:
            with pytest.raises(error, match=f"osition {position} of {SUBMISSIONS} partition 0"):
                await reader.poll(limit=1, wait=DEADLINE)
