"""The log on a local Kafka, beside the bare client library in the same run. Run: ``python -m bench.kafka_log``."""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaProducer

from gateway.demo.broker import LocalBroker
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.kafka.batch import BATCH_BYTES
from gateway.log.port import Output
from gateway.protocol.record import Record, position_record
from gateway.protocol.topic import COMMON, OFFERS, POSITIONS, RECEIPTS, SUBMISSIONS

BYTES = 1_260
BATCH = 500
PARTITIONS = 3


def parts(records: Sequence[Record]) -> list[tuple[int, Sequence[Record]]]:
    """Batches with their partitions."""
    starts = range(0, len(records), BATCH)
    return [(number % PARTITIONS, records[start : start + BATCH]) for number, start in enumerate(starts)]


async def rate(count: int, work: Callable[[], Awaitable[None]]) -> float:
    """Records per second."""
    started = time.perf_counter()
    await work()
    return count / (time.perf_counter() - started)


async def compare_appends(log: KafkaLog, settings: KafkaSettings, records: Sequence[Record], rounds: int) -> None:
    """Appends of batches by both, alternately."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
    )
    await producer.start()

    async def bare() -> None:
        waiting = []
        for partition, part in parts(records):
            batch = producer.create_batch()
            for record in part:
                batch.append(key=record.key, value=record.value, timestamp=None)
            waiting.append(await producer.send_batch(batch, settings.topic(SUBMISSIONS), partition=partition))
        await asyncio.gather(*waiting)

    async def ours() -> None:
        await asyncio.gather(*(log.append(SUBMISSIONS, partition, part) for partition, part in parts(records)))

    pairs = []
    for number in range(rounds + 1):
        pair = (await rate(len(records), bare), await rate(len(records), ours))
        if number:
            pairs.append(pair)
    await producer.stop()
    bare_rate, our_rate = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(our / bare for bare, our in pairs)
    print(f"append by {BATCH}: bare {bare_rate:,.0f}/s, ours {our_rate:,.0f}/s, ratio {ratio:.2f}")


async def measure_single_appends(log: KafkaLog, records: Sequence[Record], writers: int) -> None:
    """Single records by concurrent writers, each awaited."""
    times: list[float] = []

    async def write(mine: Sequence[Record]) -> None:
        for number, record in enumerate(mine):
            started = time.perf_counter()
            await log.append(SUBMISSIONS, number % PARTITIONS, [record])
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(write(records[number::writers]) for number in range(writers)))
    per_second = len(records) / (time.perf_counter() - started)
    print(f"append one by one, {writers} writers: {per_second:,.0f}/s, {quantiles(times)}")


async def measure_commits(log: KafkaLog, records: Sequence[Record], batch: int) -> None:
    """Transactions of a relay: an offer and a receipt per record, and a position; one owner."""
    owner = await log.own("relay", 0)
    for number in range(10):  # the first transactions warm up the broker
        await owner.commit([Output(topic, 0, records[number]) for topic in (OFFERS, RECEIPTS, POSITIONS)])
    times: list[float] = []
    for start in range(0, len(records), batch):
        part = records[start : start + batch]
        outputs = [Output(topic, 0, record) for topic in (OFFERS, RECEIPTS) for record in part]
        outputs.append(Output(POSITIONS, 0, position_record(SUBMISSIONS, 0, start)))
        started = time.perf_counter()
        await owner.commit(outputs)
        times.append(time.perf_counter() - started)
    await owner.close()
    print(
        f"commit of {batch}: {len(records) / sum(times):,.0f} records/s, {len(times) / sum(times):,.0f} commits/s, "
        f"{quantiles(times)}"
    )


def quantiles(seconds: Sequence[float]) -> str:
    """Median and 99th percentile, as text."""
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1_000:.1f} ms, p99 {cuts[98] * 1_000:.1f} ms"


async def read_back(log: KafkaLog) -> None:
    """Read one topic to its end, as a view does."""
    ends = await log.ends(SUBMISSIONS)
    positions = {(SUBMISSIONS, partition): 0 for partition in range(PARTITIONS)}
    count = 0
    started = time.perf_counter()
    async with log.reader(positions) as reader:
        while any(positions[SUBMISSIONS, partition] < end for partition, end in enumerate(ends)):
            for chunk in await reader.poll(limit=1_000, wait=1.0):
                positions[chunk.topic, chunk.partition] = chunk.position
                count += len(chunk.records)
    print(f"read: {count / (time.perf_counter() - started):,.0f}/s of {count:,}")


async def run(servers: str, count: int, rounds: int) -> None:
    """All measurements, one after the other."""
    settings = KafkaSettings(bootstrap_servers=servers, prefix="bench", partitions=PARTITIONS)
    log = await KafkaLog.open(settings)
    await log.create_topics(COMMON)
    value = bytes(index % 251 for index in range(BYTES))
    records = [Record(b"bretagne:%d" % number, value) for number in range(count)]
    await compare_appends(log, settings, records, rounds)
    await read_back(log)
    await measure_single_appends(log, records[: count // 5], 32)
    await measure_commits(log, records[: count // 2], BATCH)
    await measure_commits(log, records[:200], 1)
    await log.close()


def main() -> None:
    """Start a broker and measure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=30_000)
    arguments.add_argument("--rounds", type=int, default=5)
    asked = arguments.parse_args()
    with LocalBroker() as broker:
        asyncio.run(run(broker.bootstrap_servers, asked.count, asked.rounds))


if __name__ == "__main__":
    main()
