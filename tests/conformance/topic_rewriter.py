"""The subscriber topics of our gateway written again, with a fault, under another prefix on the same broker."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from conformance.model.case import Case, Reads, Script
from conformance.target.setup import Cluster, Setup
from gateway.protocol.record import read_offer
from gateway.protocol.topic import DAY_MS, OFFERS, full_name
from tests.conformance.mutants.topics import WrongTopic
from tests.conformance.topic_event import Event, Past

_PARTITIONS = 3


def reading(chosen: Sequence[Case]) -> list[Case]:
    """Those that read by every way out, the cases about topics first."""
    found = [
        case
        for case in chosen
        if isinstance(case.subject, Script) and any(isinstance(step, Reads) for step in case.subject.steps)
    ]
    return sorted(found, key=lambda case: case.family != "topic")


@asynccontextmanager
async def rewritten(setup: Setup, topic: WrongTopic) -> AsyncIterator[Setup]:
    """The set-up with topics that have this fault, while they are written."""
    cluster = setup.cluster
    assert cluster is not None
    there = replace(cluster, prefix=f"wrong-{secrets.token_hex(4)}")
    readers = {setup.accounts[name].platform for name in cluster.accounts}
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(bootstrap_servers=cluster.servers)
        await admin.start()
        stack.push_async_callback(admin.close)
        configuration = {"cleanup.policy": topic.policy, "delete.retention.ms": str(14 * DAY_MS)}
        names = [there.topic(reader) for reader in readers]
        await admin.create_topics([NewTopic(name, _PARTITIONS, 1, topic_configs=configuration) for name in names])
        producer = AIOKafkaProducer(bootstrap_servers=cluster.servers)
        await producer.start()
        stack.push_async_callback(producer.stop)
        for reader in readers:
            consumer = AIOKafkaConsumer(
                cluster.topic(reader),
                full_name(cluster.prefix, OFFERS),
                bootstrap_servers=cluster.servers,
                isolation_level="read_committed",
                auto_offset_reset="earliest",
            )
            await consumer.start()
            stack.push_async_callback(consumer.stop)
            writing = asyncio.create_task(_Rewriter(topic, Past(reader, _PARTITIONS), producer, there).follow(consumer))
            stack.push_async_callback(_end, writing)
        yield replace(setup, cluster=there)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _Rewriter:
    """Writes what one reader gets. An event waits for the state of its offer, from which a fault may take something."""

    def __init__(self, topic: WrongTopic, past: Past, producer: AIOKafkaProducer, there: Cluster) -> None:
        self._topic = topic
        self._past = past
        self._producer = producer
        self._there = there
        self._waiting: list[Event] = []

    async def follow(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=50)
            for partition, records in sorted(fetched.items()):
                for each in records:
                    if ".feed." in partition.topic:
                        self._waiting.append(_event(each))
                    elif each.value is not None:
                        await self._note(each)
            waiting, self._waiting = self._waiting, []
            for event in waiting:
                await self._take(event)

    async def _note(self, record: Any) -> None:
        state = read_offer(record.key, record.value)
        self._past.offers[state.id] = state
        await self._write(*self._topic.state(state, self._past))

    async def _take(self, event: Event) -> None:
        state = self._past.offers.get(event.key)
        if state is None or state.known.sequence < event.sequence:
            self._waiting.append(event)
            return
        self._past.note(event)
        await self._write(*self._topic.event(event, self._past))

    async def _write(self, *events: Event) -> None:
        for each in events:
            partition = self._past.partition(each.key) if each.partition is None else each.partition
            headers = [(name, text.encode()) for name, text in (*each.before, *each.headers.items())]
            await self._producer.send_and_wait(
                self._there.topic(self._past.reader), each.body, each.key.encode(), partition=partition, headers=headers
            )


def _event(record: Any) -> Event:
    value = None if record.value is None else orjson.loads(record.value)
    return Event(record.key.decode(), value, {name: text.decode() for name, text in record.headers})
