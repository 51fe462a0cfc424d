"""Fetching, compared with aiokafka's own consumer, and the records that one poll returns."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, record

pytestmark = pytest.mark.kafka

RECORDS = 30


async def write_of_all_kinds(log: KafkaLog, settings: KafkaSettings) -> None:
    """Plain batches, alternating committed and aborted transactions, deletes, and headers."""
    topic = settings.topic(OFFERS)
    kinds = {"transactional_id": "turns"}
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, **kinds) as producer:
        for number in range(RECORDS):
            await log.append(OFFERS, 0, [record(f"plain {number}"), Record(b"gone %d" % number, None, (("h", b"v"),))])
            await producer.begin_transaction()
            for part in range(number % 4):
                await producer.send(topic, b"v", key=b"turn %d %d" % (number, part), partition=0, headers=[("h", None)])
            await (producer.abort_transaction() if number % 3 else producer.commit_transaction())


async def settled_end(log: KafkaLog, settings: KafkaSettings) -> int:
    """The end, once the markers of all transactions are written: a broker acknowledges an end before that."""
    topic_partition = TopicPartition(settings.topic(OFFERS), 0)
    async with (
        asyncio.timeout(DEADLINE),
        AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers, enable_auto_commit=False) as consumer,
    ):
        while True:
            stable, last = (await log.ends(OFFERS))[0], await consumer.end_offsets([topic_partition])
            if stable == last[topic_partition]:
                return stable
            await asyncio.sleep(0.05)


async def read_by_consumer(settings: KafkaSettings, end: int) -> tuple[list[StoredRecord], int]:
    """The records that aiokafka's consumer gets, and its position afterwards."""
    topic_partition = TopicPartition(settings.topic(OFFERS), 0)
    found = []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed", enable_auto_commit=False
    )
    async with consumer:
        consumer.assign([topic_partition])
        consumer.seek(topic_partition, 0)
        while await consumer.position(topic_partition) < end:
            for one in (await consumer.getmany(timeout_ms=100)).get(topic_partition, []):
                headers = tuple((name, value or b"") for name, value in one.headers)
                found.append(StoredRecord(one.offset, one.timestamp, one.key, one.value, headers))
        return found, await consumer.position(topic_partition)


@pytest.mark.parametrize("limit", [1, 7, 1_000])
async def test_a_reader_gets_what_the_library_s_consumer_gets(
    log: KafkaLog, settings: KafkaSettings, limit: int
) -> None:
    await write_of_all_kinds(log, settings)
    end = await settled_end(log, settings)
    expected, stands_at = await read_by_consumer(settings, end)

    found: list[StoredRecord] = []
    at = 0
    async with asyncio.timeout(DEADLINE), log.reader({(OFFERS, 0): 0}) as reader:
        while at < end:
            for chunk in await reader.poll(limit=limit, wait=1.0):
                assert len(chunk.records) <= limit
                found += chunk.records
                at = chunk.position

    assert expected == found
    assert stands_at == at


async def test_a_poll_gets_all_that_has_come_since_the_last(log: KafkaLog) -> None:
    """Not only the first response: a slow caller would otherwise lag by one poll."""
    positions = {(SUBMISSIONS, partition): 0 for partition in range(3)}
    async with asyncio.timeout(DEADLINE), log.reader(positions) as reader:
        for index in range(3):
            for number in range(5):
                for partition in range(3):
                    await log.append(SUBMISSIONS, partition, [record(f"{index}-{number}")])
            chunks = await reader.poll(limit=1_000, wait=DEADLINE)
            assert [[f"{index}-{number}".encode() for number in range(5)]] * 3 == [
                [one.key for one in chunk.records] for chunk in chunks
            ]


async def test_records_left_by_a_full_poll_come_before_the_next_fetch(log: KafkaLog) -> None:
    """Also while other partitions are quiet: none waits for a request that was sent for the others."""
    positions = {(SUBMISSIONS, partition): 0 for partition in range(3)}
    await log.append(SUBMISSIONS, 1, [record(f"{number}") for number in range(25)])
    async with asyncio.timeout(DEADLINE), log.reader(positions) as reader:
        await reader.poll(limit=10, wait=DEADLINE)
        left = [await reader.poll(limit=10, wait=0.0) for _ in range(2)]
    assert [10, 5] == [len(chunk.records) for chunks in left for chunk in chunks]


async def test_a_partition_is_fetched_without_waiting_for_quiet_ones(log: KafkaLog) -> None:
    """A broker holds a request for half a second when nothing comes: thirty of those would miss the deadline."""
    positions = {(SUBMISSIONS, partition): 0 for partition in range(3)}
    async with asyncio.timeout(DEADLINE / 2), log.reader(positions) as reader:
        for number in range(30):
            await log.append(SUBMISSIONS, number % 2, [record(f"{number}")])
            (chunk,) = await reader.poll(limit=10, wait=DEADLINE)
            assert [f"{number}".encode()] == [one.key for one in chunk.records]
