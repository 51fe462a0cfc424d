"""Connections of aiokafka's clients: opened so that all can be closed, and closed so that nothing stays at work.

aiokafka itself loses sight of a connection when it is told to give up connecting, and of tasks when it is told to give
up stopping; both outlive their client then, and tasks send again what was given up. It also takes for granted that
writing to a connection which was closed at that moment fails as asyncio's own loop lets it fail.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Coroutine, Iterator
from typing import Any
from weakref import WeakSet

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from gateway.kafka.layout import LEADERS, LayoutRequest, Leaders
from gateway.kafka.wire import SpentError, Wire

_STOP_SECONDS = 2.0
_AGAIN_SECONDS = 1.0
_APART: set["asyncio.Task[None]"] = set()
_log = structlog.get_logger()


def keep_in_sight(client: AIOKafkaClient) -> None:
    """Let the client find its cluster by connections that it closes with the others, whatever happens meanwhile; let
    each connection that was just closed say what any other says that is broken; and let all of this process's clients
    believe the newest word on who leads.
    """
    find = client._get_conn  # noqa: SLF001 - all that it sends goes over what this gives
    seen: WeakSet[AIOKafkaConnection] = WeakSet()
    leaders = LEADERS[client._bootstrap_servers]  # noqa: SLF001 - it does not say them otherwise

    async def find_connection(*arguments: Any, **options: Any) -> AIOKafkaConnection | None:
        connection = await find(*arguments, **options)
        if connection is not None and connection not in seen:
            seen.add(connection)
            _say_broken(connection)
            _ask_numbers(connection, leaders)
        return connection

    async def bootstrap() -> None:
        cluster = client.cluster
        cluster.config["bootstrap_servers"] = client._bootstrap_servers  # noqa: SLF001 - same
        cluster._bootstrap_brokers = cluster._generate_bootstrap_brokers()  # noqa: SLF001 - same
        if not await client._metadata_update(cluster, ()):  # noqa: SLF001 - what its own ``bootstrap`` comes to
            raise KafkaConnectionError(f"Unable to bootstrap from {client.hosts}")
        for place in [place for place in client._conns if cluster.is_bootstrap(place[0])]:  # noqa: SLF001 - same
            client._conns.pop(place).close()  # noqa: SLF001 - same
        client._sync_task = asyncio.create_task(_learn_layout(client))  # noqa: SLF001 - same

    leaders.correct(client.cluster)
    client.bootstrap = bootstrap
    client._get_conn = find_connection  # noqa: SLF001 - same


async def _learn_layout(client: AIOKafkaClient) -> None:
    """Keep the cluster's layout up to date until cancelled. An error that the library does not foresee would end its
    own task without a word, and the client would never learn of a new leader again.
    """
    while True:
        try:
            await client._md_synchronizer()  # noqa: SLF001 - there is no other way
        except Exception:  # noqa: BLE001 - whatever it is, it is told
            _log.exception("kafka.layout_not_learned", again_in=_AGAIN_SECONDS)
            await asyncio.sleep(_AGAIN_SECONDS)


def _say_broken(connection: AIOKafkaConnection) -> None:
    through = connection.send

    def send(request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - as the library calls it
        try:
            return through(request, expect_response=expect_response)
        except RuntimeError as error:
            writer = connection._writer  # noqa: SLF001 - there is no other way
            if writer is None or not writer.is_closing():
                raise
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken") from error

    connection.send = send


def _ask_numbers(connection: AIOKafkaConnection, leaders: Leaders) -> None:
    through = connection.send

    async def ask(question: MetadataRequest) -> Any:
        return leaders.hear(await through(LayoutRequest(question)))

    def send(request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - as the library calls it
        if isinstance(request, MetadataRequest):
            return ask(request)
        return through(request, expect_response=expect_response)

    connection.send = send


async def apart(work: Coroutine[Any, Any, None], seconds: float) -> bool:
    """Whether work of aiokafka's is done in time, in a task of its own that ends by itself otherwise.

    Its clients swallow every cancelling while they close. In the caller's own task that would be one meant for the
    caller: whoever is told to let go of a partition would then go on for ever. Raises what the work raised.
    """
    task = asyncio.create_task(work)
    _APART.add(task)
    task.add_done_callback(_settle)
    await asyncio.wait([task], timeout=seconds)
    if task.done():
        task.result()
    return task.done()


def _settle(task: "asyncio.Task[None]") -> None:
    """Whoever still waits has the error; it is nobody else's."""
    _APART.discard(task)
    if not task.cancelled():
        task.exception()


async def cut_off(producer: AIOKafkaProducer) -> None:
    """Close a producer's connections and end its tasks; bounded in time. What was sent may still arrive."""
    Wire(producer.client).stop()
    await apart(_cut_off(producer), 3 * _STOP_SECONDS)


async def _cut_off(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_STOP_SECONDS):
            await _sever(producer.client)
            await producer._sender.close()  # noqa: SLF001 - ``stop`` would first wait for every batch to be answered
    producer._message_accumulator.fail_all(SpentError("cut off"))  # noqa: SLF001 - same
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_STOP_SECONDS):
            await producer.stop()
    for future in _forgotten(producer):
        if future.done() and not future.cancelled():
            future.exception()


async def release(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Stop a consumer; where that does not succeed in time, close its connections and end its fetching at least.

    In tasks of their own: a consumer that is between two tries raises the cancelling of its own tasks at its caller.
    """
    stopping = asyncio.create_task(consumer.stop())
    try:
        await asyncio.wait([stopping], timeout=seconds)
    finally:
        if not stopping.done() or stopping.cancelled() or stopping.exception() is not None:
            stopping.cancel()
            await _sever(consumer._client)  # noqa: SLF001 - there is no other way
            ending = [stopping]
            if consumer._fetcher is not None:  # noqa: SLF001 - same
                ending.append(asyncio.create_task(consumer._fetcher.close()))  # noqa: SLF001 - same
            await asyncio.wait(ending, timeout=_STOP_SECONDS)


async def let_go(client: AIOKafkaClient, seconds: float) -> None:
    """Close a client; where that does not succeed in time, cut its connections."""
    if not await apart(client.close(), seconds):
        await apart(_sever(client), _STOP_SECONDS)


async def _sever(client: AIOKafkaClient) -> None:
    """Close a client's connections with all that waits in them. Metadata counts as answered from now on: nobody asks
    for it any more, and tasks of aiokafka that wait for it would never end.
    """
    for connection in client._conns.values():  # noqa: SLF001 - there is no other way
        if connection._writer is not None:  # noqa: SLF001 - same
            connection._writer.transport.abort()  # noqa: SLF001 - same
    await client.close()
    answered = asyncio.get_running_loop().create_future()
    answered.set_result(False)
    waiting, client._md_update_fut = client._md_update_fut, answered  # noqa: SLF001 - same
    if waiting is not None and not waiting.done():
        waiting.set_result(False)


def _forgotten(producer: AIOKafkaProducer) -> Iterator["asyncio.Future[Any]"]:
    """Futures into which aiokafka puts errors that nobody awaits; asyncio would report each as an error of its own."""
    transaction = producer._txn_manager._transaction_waiter  # noqa: SLF001 - only the library knows them
    if transaction is not None:
        yield transaction
    accumulator = producer._message_accumulator  # noqa: SLF001
    for batch in itertools.chain(accumulator._pending_batches, *accumulator._batches.values()):  # noqa: SLF001
        yield from (batch.future, batch._drain_waiter)  # noqa: SLF001
