"""Baselines in the same run: the floor, raw appends to the log, the plain proxy, and the latency of the bare log.

Floor: ``orjson.loads``, validity by jsonschema-rs, SHA-256 and ``orjson.dumps`` of the same offers in one thread, what
no gateway that validates and digests can do without. Raw appends: the same bytes to a separate log, without HTTP,
verdict or decision; on Kafka by aiokafka's own ``send_batch`` (idempotent, acks=all, 500 a batch), on the embedded log
by its own appends of 500. Plain proxy: ``bench.plain_proxy``, one process, batches of 500 from the same client process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer

from bench import load, plain_proxy
from bench.served import CONNECTIONS, Environment
from bench.wire import request
from gateway.bootstrap.log import open_log
from gateway.log.kafka.batch import BATCH_BYTES
from gateway.log.port import EventLog
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, SUBMISSIONS
from schemas.registry import fast_validator

BATCH = 500
_IN_FLIGHT = 4
_PREFIX = "raw"
_TOPIC = f"{_PREFIX}.{SUBMISSIONS}.v1"


def floor(raws: Sequence[bytes]) -> float:
    """Seconds of processor time for one offer."""
    valid = fast_validator("offer").is_valid
    for raw in raws[:BATCH]:  # warms the caches
        valid(orjson.loads(raw))
    began = time.thread_time()
    for raw in raws:
        offer = orjson.loads(raw)
        valid(offer)
        sha256(raw).digest()
        orjson.dumps(offer)
    return (time.thread_time() - began) / len(raws)


@asynccontextmanager
async def beside(environment: Environment) -> AsyncIterator[EventLog]:
    """A separate log of the same kind, which the gateway never reads."""
    settings = replace(environment.settings, data=environment.settings.data.parent / _PREFIX, kafka_prefix=_PREFIX)
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        yield log


async def raw_rate(environment: Environment, raws: list[bytes]) -> float:
    """Offers a second, appended in batches of 500."""
    async with beside(environment) as log:
        parts = [raws[partition :: log.partitions] for partition in range(log.partitions)]
        if environment.broker is not None:
            return len(raws) / await _send(environment.broker.bootstrap_servers, parts)
        began = time.perf_counter()
        await asyncio.gather(*(_append(log, number, part, BATCH) for number, part in enumerate(parts)))
        return len(raws) / (time.perf_counter() - began)


async def raw_singles(environment: Environment, raws: list[bytes]) -> float:
    """Offers a second, appended one by one by as many tasks as a client has connections."""
    async with beside(environment) as log:
        began = time.perf_counter()
        lanes = (_append(log, lane % log.partitions, raws[lane::CONNECTIONS], 1) for lane in range(CONNECTIONS))
        await asyncio.gather(*lanes)
        return len(raws) / (time.perf_counter() - began)


async def raw_latency(environment: Environment, raws: list[bytes], *, rate: int, seconds: float) -> list[float]:
    """Times from an append to its receipt by a reader of the same log, in seconds, at a steady rate."""
    total = int(rate * seconds)
    times: list[float] = []
    async with beside(environment) as log:
        starts = {(SUBMISSIONS, partition): end for partition, end in enumerate(await log.ends(SUBMISSIONS))}

        async def follow() -> None:
            async with log.reader(starts) as reader:
                while len(times) < total:
                    for chunk in await reader.poll(limit=1_000, wait=1.0):
                        now = time.perf_counter()
                        times.extend(now - sent[int(one.key or b"0")] for one in chunk.records)

        async def append(number: int) -> None:
            record = Record(b"%d" % number, raws[number % len(raws)])
            await log.append(SUBMISSIONS, number % log.partitions, [record])

        following = asyncio.create_task(follow())
        sent, appends = [0.0] * total, []
        began = time.perf_counter()
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            sent[number] = time.perf_counter()
            appends.append(asyncio.create_task(append(number)))
        await asyncio.gather(*appends)
        await asyncio.wait_for(following, 60)
    return times


@dataclass(frozen=True)
class Proxied:
    """Offers a second through the plain proxy: in batches of 500, and one by one over 32 connections."""

    batches: float
    singles: float


async def proxy_rates(environment: Environment, raws: list[bytes], singles: int) -> Proxied | None:
    """Both rates; None on the embedded log."""
    if environment.broker is None:
        return None
    async with (
        beside(environment),
        plain_proxy.started(environment.broker.bootstrap_servers, _TOPIC) as url,
        aiohttp.ClientSession() as session,
    ):

        async def send(body: bytes) -> int:
            async with session.post(url + plain_proxy.PATH, data=body) as answer:
                return len(orjson.loads(await answer.read())["offsets"])

        sound = [raw for raw in raws if b'"id":' in raw]
        await load.in_batches(send, sound[: 4 * BATCH], BATCH)
        seconds, _ = await load.in_batches(send, sound, BATCH)
        host = url.removeprefix("http://")
        requests = [request("POST", plain_proxy.PATH, host=host, token="", body=raw) for raw in sound[:singles]]
        spent, _ = await load.over_connections(url, requests)
    return Proxied(len(sound) / seconds, len(requests) / spent)


async def _append(log: EventLog, partition: int, part: list[bytes], size: int) -> None:
    for batch in _batches(part, size):
        await log.append(SUBMISSIONS, partition, [Record(b"raw:%d" % n, raw) for n, raw in enumerate(batch)])


async def _send(servers: str, parts: Sequence[list[bytes]]) -> float:
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
    )
    await producer.start()

    async def lane(partition: int, part: list[bytes]) -> None:
        waiting: list[asyncio.Future[object]] = []
        for batch in _batches(part, BATCH):
            builder = producer.create_batch()
            for number, raw in enumerate(batch):
                builder.append(timestamp=None, key=b"raw:%d" % number, value=raw)
            builder.close()
            waiting.append(await producer.send_batch(builder, _TOPIC, partition=partition))
            if len(waiting) == _IN_FLIGHT:
                await waiting.pop(0)
        await asyncio.gather(*waiting)

    try:
        began = time.perf_counter()
        await asyncio.gather(*(lane(number, part) for number, part in enumerate(parts)))
        return time.perf_counter() - began
    finally:
        await producer.stop()


def _batches(part: list[bytes], size: int) -> list[list[bytes]]:
    return [part[at : at + size] for at in range(0, len(part), size)]
