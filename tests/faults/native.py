"""Kafka-native partners under load: one that publishes on its inbox, and one that reads its feed topic."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from gateway.protocol.record import TYPE_PUBLISHED, TYPE_WITHDRAWN
from tests.faults.history import Reading, Seen
from tests.faults.publisher import PAUSE_AFTER_FAILURE, Publisher, Stock

_CONSUMER_SECONDS = 30.0


@dataclass(kw_only=True)
class NativePublisher(Publisher):
    """Writes to its inbox with its own idempotent producer, straight to the broker."""

    servers: str
    topic: str

    def __post_init__(self) -> None:
        super().__post_init__()
        self.producer = AIOKafkaProducer(bootstrap_servers=self.servers, enable_idempotence=True, acks="all")

    async def start(self) -> None:
        """Connect."""
        await self.producer.start()

    async def stop(self) -> None:
        """Flush pending records, and disconnect."""
        await self.producer.stop()

    async def _send(self, stock: Stock, revision: int) -> None:
        began = self.clock()
        try:
            await self.producer.send_and_wait(self.topic, **_message(stock, revision))
        except KafkaError as error:
            self._enter(stock, revision, began, "unknown", detail=str(error))
            await asyncio.sleep(PAUSE_AFTER_FAILURE)
            return
        self._enter(stock, revision, began, "delivered")

    async def _send_batch(self, chosen: Sequence[tuple[Stock, int]]) -> None:
        """All at once, as a producer would: they are grouped on the way."""
        await asyncio.gather(*(self._send(stock, revision) for stock, revision in chosen))


def _message(stock: Stock, revision: int) -> dict[str, Any]:
    published = stock.kinds[revision - 1] == "publish"
    body = stock.line(revision)
    if not published:
        document = orjson.loads(body)
        body = orjson.dumps({"id": document["id"], "revision": document["revision"], "reason": document["withdrawn"]})
    kind = TYPE_PUBLISHED if published else TYPE_WITHDRAWN
    return {"key": stock.id.encode(), "value": body, "headers": [("ce_type", kind.encode())]}


async def read_feed(servers: str, topic: str, partitions: int, wanted: dict[str, int], *, seconds: float) -> Reading:
    """Content of a feed topic, read until it equals the expected one or time is up: the checker reports differences.

    By a new consumer from the start every half minute: what is asked is what the topic holds, not what becomes of a
    consumer whose brokers were killed.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        until = min(deadline, asyncio.get_running_loop().time() + _CONSUMER_SECONDS)
        reading = await _read_feed(servers, topic, partitions, wanted, until=until)
        if reading.held == wanted or asyncio.get_running_loop().time() >= deadline:
            return reading


async def _read_feed(servers: str, topic: str, partitions: int, wanted: dict[str, int], *, until: float) -> Reading:
    reading = Reading("feed topic")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
        while reading.held != wanted and asyncio.get_running_loop().time() < until:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                reading.seen += [_seen(record) for record in records]
    finally:
        await consumer.stop()
    return reading


def _seen(record: Any) -> Seen:
    if record.value is None:
        return Seen("removal", record.key.decode(), int(dict(record.headers)["ce_sequence"]))
    change = orjson.loads(record.value)
    return Seen("upsert", change["id"], change["sequence"], change["offer"]["revision"])
