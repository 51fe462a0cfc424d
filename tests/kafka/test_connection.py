"""Connections that are given up before they stand."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.kafka import KafkaLog
from gateway.protocol.topic import SUBMISSIONS
from tests.contract.log_ground import DEADLINE, record
from tests.kafka.proxy import METADATA, Proxy

pytestmark = pytest.mark.kafka


async def read_once(log: KafkaLog) -> None:
    async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
        await reader.poll(limit=1, wait=DEADLINE)


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
