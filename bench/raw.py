"""The baseline: the same bytes appended directly to a separate log, without HTTP, verdict or decision.

On Kafka that is aiokafka's own ``send_batch``, idempotent and acks=all, batches of 500 in flight on every partition at
once; on the embedded log its own appends of 500. The gateway never reads these records.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from aiokafka import AIOKafkaProducer

from bench.served import Environment
from gateway.bootstrap import open_log
from gateway.log.kafka.batch import BATCH_BYTES
from gateway.log.port import EventLog
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, SUBMISSIONS

BATCH = 500
_IN_FLIGHT = 4
_PREFIX = "raw"


async def raw_rate(environment: Environment, raws: list[bytes]) -> float:
    """Offers a second."""
    beside = replace(environment.settings, data=environment.settings.data.parent / _PREFIX, kafka_prefix=_PREFIX)
    async with open_log(beside) as log:
        await log.create_topics(COMMON)
        parts = [raws[partition :: log.partitions] for partition in range(log.partitions)]
        if environment.broker is not None:
            seconds = await _send(environment.broker.bootstrap_servers, parts)
        else:
            began = time.perf_counter()
            await asyncio.gather(*(_append(log, number, part) for number, part in enumerate(parts)))
            seconds = time.perf_counter() - began
    return len(raws) / seconds


async def _append(log: EventLog, partition: int, part: list[bytes]) -> None:
    for batch in _batches(part):
        await log.append(SUBMISSIONS, partition, [Record(b"raw:%d" % n, raw) for n, raw in enumerate(batch)])


async def _send(servers: str, parts: Sequence[list[bytes]]) -> float:
    topic = f"{_PREFIX}.{SUBMISSIONS}.v1"
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
    )
    await producer.start()

    async def lane(partition: int, part: list[bytes]) -> None:
        waiting: list[asyncio.Future[object]] = []
        for batch in _batches(part):
            builder = producer.create_batch()
            for number, raw in enumerate(batch):
                builder.append(timestamp=None, key=b"raw:%d" % number, value=raw)
            builder.close()
            waiting.append(await producer.send_batch(builder, topic, partition=partition))
            if len(waiting) == _IN_FLIGHT:
                await waiting.pop(0)
        await asyncio.gather(*waiting)

    try:
        began = time.perf_counter()
        await asyncio.gather(*(lane(number, part) for number, part in enumerate(parts)))
        return time.perf_counter() - began
    finally:
        await producer.stop()


def _batches(part: list[bytes]) -> list[list[bytes]]:
    return [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
