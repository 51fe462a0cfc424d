"""Connections that are given up before they stand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from gateway.kafka import KafkaLog
from gateway.kafka.broker import LocalBroker
from gateway.kafka.connection import keep_in_sight, let_go
from gateway.protocol.topic import SUBMISSIONS
from tests.contract.log_ground import DEADLINE, record
from tests.kafka.proxy import METADATA, Proxy

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
async def test_connecting_that_is_given_up_leaves_no_connection(
    log: KafkaLog, proxy: Proxy, connect: Callable[[KafkaLog], Awaitable[object]]
) -> None:
    """The library by itself forgets the one on which it asks for the cluster's layout."""
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


@pytest.mark.parametrize("closed", [True, False])
async def test_a_connection_that_closed_under_a_request_counts_as_broken(
    kafka_broker: LocalBroker, monkeypatch: pytest.MonkeyPatch, *, closed: bool
) -> None:
    """uvloop refuses to write to one that it has closed while bytes of the last answer wait to be read. Any other such
    error is a fault of the program.
    """
    client = AIOKafkaClient(bootstrap_servers=kafka_broker.bootstrap_servers)
    keep_in_sight(client)
    await client.bootstrap()
    try:
        node = client.get_random_node()
        assert await client.ready(node)
        writer = client._conns[node, ConnectionGroup.DEFAULT]._writer
        monkeypatch.setattr(writer, "write", refuse)
        if closed:
            writer.transport.abort()
        with pytest.raises(KafkaConnectionError if closed else RuntimeError, match="broken" if closed else REFUSAL):
            await client.send(node, MetadataRequest([]))
        monkeypatch.undo()
        assert (await client.send(node, MetadataRequest([]))).brokers
    finally:
        await client.close()


async def test_a_connection_that_closed_under_the_question_for_the_layout_does_not_end_the_asking(
    kafka_broker: LocalBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library asks for it past ``client.send``; an error that it does not know would end the asking for ever."""
    client = AIOKafkaClient(bootstrap_servers=kafka_broker.bootstrap_servers)
    keep_in_sight(client)
    await client.bootstrap()
    try:
        node = client.get_random_node()
        assert await client.ready(node)
        writer = client._conns[node, ConnectionGroup.DEFAULT]._writer
        monkeypatch.setattr(writer, "write", refuse)
        monkeypatch.setattr(writer, "is_closing", lambda: True)
        async with asyncio.timeout(DEADLINE):
            assert not await client.force_metadata_update()
            monkeypatch.undo()
            assert await client.force_metadata_update()
    finally:
        await client.close()


class Stumbling(AIOKafkaClient):  # type: ignore[misc]
    """A client that fails once, by an error that nobody foresaw, at what it is asked for."""

    stumbled = False

    async def _metadata_update(self, *arguments: Any) -> bool:
        if self._sync_task is not None and not self.stumbled:
            self.stumbled = True
            raise ValueError("unforeseen")
        learned: bool = await super()._metadata_update(*arguments)
        return learned


async def test_an_unforeseen_error_does_not_end_the_asking_for_the_layout(kafka_broker: LocalBroker) -> None:
    """The library's own task would end without a word, and no new leader be known from then on."""
    client = Stumbling(bootstrap_servers=kafka_broker.bootstrap_servers)
    keep_in_sight(client)
    await client.bootstrap()
    try:
        async with asyncio.timeout(DEADLINE):
            assert await client.force_metadata_update()
        assert client.stumbled
    finally:
        await client.close()


def refuse(_: bytes) -> None:
    raise RuntimeError(REFUSAL)


@dataclass
class Closing:
    """A client that closes as aiokafka's do: whatever cancels it meanwhile is not passed on."""

    swallowed: bool = False

    async def close(self) -> None:
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            self.swallowed = True


async def test_who_is_cancelled_while_a_client_closes_is_cancelled() -> None:
    """A replica that woke was told to let go of a partition just then, and went on with it for ever."""
    client = Closing()
    letting_go = asyncio.create_task(let_go(client, 5.0))
    await asyncio.sleep(0.05)
    letting_go.cancel()
    with pytest.raises(asyncio.CancelledError):
        await letting_go
    await asyncio.sleep(0.3)
    assert not client.swallowed
