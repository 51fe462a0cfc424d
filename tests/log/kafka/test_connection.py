"""Connections that are cancelled before they are open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from demo.broker import LocalBroker
from gateway.errors import LogUnavailableError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.kafka.aiokafka_patches import abort_producer, close_client, patch_client
from gateway.protocol.topic import SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, opened_log, record
from tests.log.kafka.proxy import LIST_OFFSETS, METADATA, Proxy

pytestmark = pytest.mark.kafka


async def read_once(log: KafkaLog) -> None:
    async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
        await reader.poll(limit=1, wait=DEADLINE)


REFUSAL = "the handler is closed"
CONNECTING: list[Callable[[KafkaLog], Awaitable[object]]] = [
    lambda log: KafkaLog.open(log._settings),
    lambda log: log.own("relay", 0),
    lambda log: log.join("relay", SUBMISSIONS),
    read_once,
    lambda log: log.append(SUBMISSIONS, 0, [record("first")]),
]


@pytest.mark.parametrize("connect", CONNECTING, ids=["log", "owner", "membership", "reader", "appender"])
async def test_a_cancelled_connect_leaves_no_connection(
    log: KafkaLog, proxy: Proxy, connect: Callable[[KafkaLog], Awaitable[object]]
) -> None:
    """The library alone forgets the connection of its metadata request."""
    with proxy.hold(METADATA, direction="answer") as held:
        connecting = asyncio.ensure_future(connect(log))
        await held.caught()
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        await log.close()
        async with asyncio.timeout(DEADLINE):
            while proxy.connections > 0:
                await asyncio.sleep(0.02)


@dataclass
class Refusing:
    """A connection's writer that refuses the first time, as uvloop's does, and then writes."""

    writer: asyncio.StreamWriter
    closing: bool
    refused: bool = False

    def write(self, sent: bytes) -> None:
        if self.refused:
            self.writer.write(sent)
        else:
            self.refused = True
            raise RuntimeError(REFUSAL)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def refused_client(broker: LocalBroker, *, closing: bool) -> AsyncIterator[tuple[AIOKafkaClient, int]]:
    """A client, and the number of the broker to which it cannot write the first time."""
    client = AIOKafkaClient(bootstrap_servers=broker.bootstrap_servers)
    patch_client(client)
    await client.bootstrap()
    try:
        node = client.get_random_node()
        assert await client.ready(node)
        connection = client._conns[node, ConnectionGroup.DEFAULT]
        connection._writer = Refusing(connection._writer, closing)
        yield client, node
    finally:
        await client.close()


@pytest.mark.parametrize("closed", [True, False])
async def test_a_connection_that_closed_under_a_request_counts_as_broken(
    kafka_broker: LocalBroker, *, closed: bool
) -> None:
    """uvloop refuses to write to a connection that it has closed while bytes of the last answer are unread. Any other
    such error is a fault of the program.
    """
    async with refused_client(kafka_broker, closing=closed) as (client, node):
        with pytest.raises(KafkaConnectionError if closed else RuntimeError, match="broken" if closed else REFUSAL):
            await client.send(node, MetadataRequest([]))
        assert (await client.send(node, MetadataRequest([]))).brokers


async def test_a_connection_that_closes_during_a_metadata_request_does_not_end_the_updates(
    kafka_broker: LocalBroker,
) -> None:
    """The library sends its metadata request without ``client.send``; an unknown error would end the updates."""
    async with refused_client(kafka_broker, closing=True) as (client, _):
        async with asyncio.timeout(DEADLINE):
            assert not await client.force_metadata_update()
            assert await client.force_metadata_update()


class Stumbling(AIOKafkaClient):  # type: ignore[misc]  # aiokafka has no types
    """A client whose next request fails once, with an unexpected error."""

    stumbled = False

    async def _metadata_update(self, *arguments: Any) -> bool:
        if self._sync_task is not None and not self.stumbled:
            self.stumbled = True
            raise ValueError("unforeseen")
        learned: bool = await super()._metadata_update(*arguments)
        return learned


async def test_an_unexpected_error_does_not_end_the_metadata_updates(kafka_broker: LocalBroker) -> None:
    """The library's own task would end silently, and no new leader would be known from then on."""
    client = Stumbling(bootstrap_servers=kafka_broker.bootstrap_servers)
    patch_client(client)
    await client.bootstrap()
    try:
        async with asyncio.timeout(DEADLINE):
            assert await client.force_metadata_update()
        assert client.stumbled
    finally:
        await client.close()


@dataclass
class Closing:
    """A client that closes as aiokafka's do: whatever cancels it meanwhile is not passed on."""

    swallowed: bool = False

    async def close(self) -> None:
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            self.swallowed = True


async def test_a_caller_cancelled_while_a_client_closes_is_cancelled() -> None:
    """A resumed replica had to revoke a partition just then, and kept it permanently."""
    client = Closing()
    letting_go = asyncio.create_task(close_client(client, 5.0))
    await asyncio.sleep(0.05)
    letting_go.cancel()
    with pytest.raises(asyncio.CancelledError):
        await letting_go
    await asyncio.sleep(0.3)
    assert not client.swallowed


async def slow_to_end() -> None:
    """A client that closes waits for its pending metadata request."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.2)


async def test_a_caller_cancelled_while_a_producer_is_aborted_is_cancelled(kafka_broker: LocalBroker) -> None:
    """The abort is completed all the same."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka_broker.bootstrap_servers, enable_idempotence=True)
    await producer.start()
    producer.client._sync_task.cancel()
    producer.client._sync_task = asyncio.create_task(slow_to_end())
    cutting = asyncio.create_task(abort_producer(producer))
    await asyncio.sleep(0.05)
    cutting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cutting
    async with asyncio.timeout(DEADLINE):
        while not producer._closed:
            await asyncio.sleep(0.02)


async def test_a_query_does_not_wait_for_a_connection_that_no_longer_answers(
    settings: KafkaSettings, proxy: Proxy
) -> None:
    """The query was cancelled before aiokafka's own time-out, so that its connection stayed open: every later query
    waited on it, long after the broker had been replaced.
    """
    async with opened_log(KafkaLog.open(replace(settings, patience=4.0))) as log:
        with proxy.hold(LIST_OFFSETS, limit=1) as held:
            with suppress(LogUnavailableError):
                await log.ends(SUBMISSIONS)
            await held.caught()
            assert await log.ends(SUBMISSIONS) == (0, 0, 0)
