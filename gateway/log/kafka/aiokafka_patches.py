"""All patches of aiokafka, and all uses of its private names.

aiokafka is pinned to one minor version. ``tests/log/kafka/test_aiokafka_patches.py`` fails when a private name is
missing or has another signature, and when upstream has fixed the behaviour that a patch works around: then remove the
patch.
A patch replaces attributes of one object or derives a class; it never changes aiokafka's modules or classes.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from typing import Any, NoReturn
from weakref import WeakSet

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    CorruptRecordException,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
)
from aiokafka.protocol.api import Response
from aiokafka.protocol.metadata import MetadataRequest, MetadataRequest_v5, MetadataResponse_v5
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

from gateway.log.kafka.leader_epochs import EPOCHS, VERSION_WITH_EPOCHS, LeaderEpochs
from gateway.protocol.record import StoredRecord

_CLOSE_SECONDS = 2.0
_METADATA_RETRY_SECONDS = 1.0
_MAGIC_WITH_HEADERS = 2
_MAGIC_OFFSET = 16
_RUNNING: set["asyncio.Task[None]"] = set()
_log = structlog.get_logger()


def client_of(user: AIOKafkaConsumer | AIOKafkaAdminClient) -> AIOKafkaClient:
    """The client of a consumer or an admin client. Only producers expose theirs."""
    client: AIOKafkaClient = user._client
    return client


def produced_partitions(request: ProduceRequest) -> list[tuple[str, int]]:
    """The topics and partitions of a request's batches, one entry for each batch."""
    return [(topic, partition) for topic, parts in request._topics for partition, _ in parts]


# --- connections and metadata -----------------------------------------------------------------------------------------


def patch_client(client: AIOKafkaClient, topics: Iterable[str] = ()) -> None:
    """Apply the patches of connections and metadata to a client before it connects. It knows these topics from then
    on; others are requested when they are used.
    """
    epochs = EPOCHS[client._bootstrap_servers]
    find = client._get_conn
    patched: WeakSet[AIOKafkaConnection] = WeakSet()

    async def get_connection(*arguments: Any, **options: Any) -> AIOKafkaConnection | None:
        connection = await find(*arguments, **options)
        if connection is not None and connection not in patched:
            patched.add(connection)
            report_broken(connection)
            request_epochs(connection, epochs)
        return connection

    client._get_conn = get_connection
    track_bootstrap(client)
    client._topics = set(topics)
    describe_own_topics(client)
    request_missing_topics(client)
    use_newest_leader(client.cluster, epochs)


def track_bootstrap(client: AIOKafkaClient) -> None:
    """Bootstrap over connections that ``client.close`` closes.

    Upstream keeps the bootstrap connection in a local variable: ``bootstrap`` that is cancelled or fails leaves it open
    (https://github.com/aio-libs/aiokafka/issues/715). A gateway that retries would accumulate open sockets.
    ``_synchronize`` replaces upstream's metadata task.
    """

    async def bootstrap() -> None:
        cluster = client.cluster
        cluster.config["bootstrap_servers"] = client._bootstrap_servers
        cluster._bootstrap_brokers = cluster._generate_bootstrap_brokers()
        if not await client._metadata_update(cluster, client._topics):
            raise KafkaConnectionError(f"Unable to bootstrap from {client.hosts}")
        for key in [key for key in client._conns if cluster.is_bootstrap(key[0])]:
            client._conns.pop(key).close()
        client._sync_task = asyncio.create_task(_synchronize(client))

    client.bootstrap = bootstrap


class _NoTopics(tuple[str, ...]):
    """An empty selection of topics that upstream does not take for all topics."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def describe_own_topics(client: AIOKafkaClient) -> None:
    """Keep metadata of the client's own topics only.

    Upstream requests all topics of the cluster as long as the client has none, also when it connects: on a cluster with
    thousands of topics each client decodes them all.
    """
    through = client._metadata_update

    async def update(cluster: ClusterMetadata, topics: Collection[str] | None) -> Any:
        return await through(cluster, topics if topics or topics is None else _NoTopics())

    client._metadata_update = update


async def learn_topics(client: AIOKafkaClient, topics: Iterable[str]) -> None:
    """Request those of these topics that the client does not know yet, in one request. Upstream's queries request each
    topic by itself, and pause in between.
    """
    unknown = {topic for topic in topics if client.cluster.partitions_for_topic(topic) is None}
    if unknown:
        client._topics = client._topics | unknown  # a new set: upstream compares it with the one of its request
        await client.force_metadata_update()


def request_missing_topics(client: AIOKafkaClient) -> None:
    """Request a topic again while the last answer does not have it.

    Brokers learn of a new topic one after the other. Upstream requests it once: if the broker that answers does not
    have it yet, ``beginning_offsets`` and ``end_offsets`` wait until the metadata expires.
    """
    add = client.add_topic

    def add_topic(topic: str) -> Any:
        if topic in client._topics and client.cluster.partitions_for_topic(topic) is None:
            return client.force_metadata_update()
        return add(topic)

    client.add_topic = add_topic


async def _synchronize(client: AIOKafkaClient) -> None:
    """Keep the cluster's metadata up to date until cancelled.

    Upstream's task ends at the first error that is not a KafkaError, and nothing reads its result: the client would
    never receive a new leader (related: https://github.com/aio-libs/aiokafka/issues/712).
    """
    while True:
        try:
            await client._md_synchronizer()
        except Exception:  # noqa: BLE001 - any error is logged, and the task goes on
            _log.exception("kafka.layout_not_learned", again_in=_METADATA_RETRY_SECONDS)
            await asyncio.sleep(_METADATA_RETRY_SECONDS)


def report_broken(connection: AIOKafkaConnection) -> None:
    """Raise KafkaConnectionError for a write to a transport that has just closed.

    uvloop raises RuntimeError there; upstream expects OSError, so that no retry happens
    (https://github.com/aio-libs/aiokafka/issues/1038). Any other RuntimeError is a fault of the program and passes.
    """
    through = connection.send

    def send(request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - upstream's signature
        try:
            return through(request, expect_response=expect_response)
        except RuntimeError as error:
            writer = connection._writer
            if writer is None or not writer.is_closing():
                raise
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} broken") from error

    connection.send = send


class _MetadataResponseV7(Response):  # type: ignore[misc]
    API_KEY = MetadataResponse_v5.API_KEY
    API_VERSION = VERSION_WITH_EPOCHS
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String()), ("port", Int32), ("rack", String()))),
        ("cluster_id", String()),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String()),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
            ),
        ),
    )


class _MetadataRequestV7(MetadataRequest_v5):  # type: ignore[misc]
    API_VERSION = VERSION_WITH_EPOCHS
    RESPONSE_TYPE = _MetadataResponseV7


class MetadataRequestWithEpochs(MetadataRequest):  # type: ignore[misc]
    """A metadata request of version 7 where the broker supports it, which never creates a topic.

    Upstream requests at most version 5, whose answers hold no leader epochs. Without them a stale answer of a broker
    that is cut off from its cluster is indistinguishable from a newer one (KIP-320, ADR 0014).
    """

    def __init__(self, request: MetadataRequest) -> None:
        super().__init__(request._topics, allow_auto_topic_creation=False)

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Any:
        """As ``Request.prepare``."""
        lowest, highest = versions.get(self.API_KEY, (0, 0))
        if lowest <= VERSION_WITH_EPOCHS <= highest:
            return self.build(_MetadataRequestV7)
        return super().prepare(versions)


def request_epochs(connection: AIOKafkaConnection, epochs: LeaderEpochs) -> None:
    """Send metadata requests with leader epochs, and note the answers; see ``MetadataRequestWithEpochs``."""
    through = connection.send

    async def request_metadata(request: MetadataRequest) -> Any:
        return epochs.note(await through(MetadataRequestWithEpochs(request)))

    def send(request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - upstream's signature
        if isinstance(request, MetadataRequest):
            return request_metadata(request)
        return through(request, expect_response=expect_response)

    connection.send = send


def use_newest_leader(cluster: ClusterMetadata, epochs: LeaderEpochs) -> None:
    """Answer ``leader_for_partition`` by the highest leader epoch that any client of the process has seen.

    Upstream takes the leader of the last answer, whichever broker gave it (ADR 0014).
    """
    find = cluster.leader_for_partition

    def leader_for_partition(partition: TopicPartition) -> int | None:
        known: int | None = find(partition)
        return known if known is None else epochs.leader(partition, otherwise=known)

    cluster.leader_for_partition = leader_for_partition


# --- records ----------------------------------------------------------------------------------------------------------


class _ReplacingBuffer(bytearray):
    """Bytes whose slices decode with U+FFFD instead of bytes that are not UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _ReplacingBuffer(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _ReplacingBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for its types only
    def __iter__(self) -> "_ReplacingBatch":
        self._maybe_uncompress()
        self._buffer: bytearray = _ReplacingBuffer(self._buffer)
        return self


class ReplacingRecords(_MemoryRecordsPy):  # type: ignore[misc]  # final for its types only
    """Batches whose header names that are not UTF-8 are decoded with U+FFFD.

    Upstream decodes names strictly and a batch as a whole: one such name loses the sound records of its batch. KIP-82
    leaves names to be UTF-8 and brokers do not check them. The C extension cannot be changed, so a batch that fails
    there is unpacked by upstream's pure Python classes. Headers came with magic 2: older batches have none.
    """

    def next_batch(self) -> Any:
        """The next batch; None at the end. Raises CorruptRecordException."""
        if self._next_slice is None:
            return None
        if len(self._next_slice) <= _MAGIC_OFFSET or self._next_slice[_MAGIC_OFFSET] < _MAGIC_WITH_HEADERS:
            raise CorruptRecordException("A batch without headers cannot hold a header name that is not UTF-8.")
        batch = _ReplacingBatch(self._next_slice)
        self._cache_next()
        return batch


class CommittedRecords(PartitionRecords):  # type: ignore[misc]
    """An iterator over the committed records of one partition's answer to a fetch.

    Upstream makes a ConsumerRecord of each record, which costs a fifth of reading it, and sets ``next_fetch_offset`` to
    the end of each batch, also of one that ends before the fetched offset.
    """

    def __init__(
        self,
        partition: TopicPartition,
        content: bytes,
        aborted: Any,
        offset: int,
        batches: Callable[[bytes], Any] = MemoryRecords,
    ) -> None:
        self._next = offset
        self._input = partition, content, aborted
        super().__init__(
            partition,
            batches(content),
            aborted,
            offset,
            None,
            None,
            check_crcs=True,
            isolation_level=READ_COMMITTED,
        )

    @property
    def next_fetch_offset(self) -> int:
        """The next offset to fetch; it never decreases."""
        return self._next

    @next_fetch_offset.setter
    def next_fetch_offset(self, offset: int) -> None:
        self._next = max(self._next, offset)

    def with_replaced_names(self) -> "CommittedRecords":
        """The same from the next record on, with U+FFFD in header names that are not UTF-8."""
        partition, content, aborted = self._input
        return CommittedRecords(partition, content, aborted, self.next_fetch_offset, ReplacingRecords)

    def _consumer_record(self, _: TopicPartition, record: Any) -> StoredRecord:
        headers = record.headers
        return StoredRecord(
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            tuple((name, value or b"") for name, value in headers) if headers else (),
        )


# --- consumer groups --------------------------------------------------------------------------------------------------


def own_sticky_assignor() -> type[StickyPartitionAssignor]:
    """A sticky assignor class for one consumer.

    Upstream keeps a member's assignment on the class, so that the consumers of one process overwrite each other's
    (https://github.com/aio-libs/aiokafka/issues/1175). A change of members must move few partitions, since moving
    one means rebuilding its state.
    """

    class OwnStickyAssignor(StickyPartitionAssignor):  # type: ignore[misc]
        pass

    return OwnStickyAssignor


# --- closing ----------------------------------------------------------------------------------------------------------


class StoppedProducerError(IncompatibleBrokerVersion, ProducerFenced):  # type: ignore[misc]
    """Stops a producer's requests.

    Upstream sends a request again after any other KafkaError. Of the two bases the first makes its request code give
    up, the second makes its sender end without an error of its own.
    """


async def in_own_task(work: Coroutine[Any, Any, None], seconds: float) -> bool:
    """Whether ``work`` ends in time, in a task of its own that goes on otherwise. Raises what the work raises.

    Upstream's clients suppress CancelledError while they close (https://github.com/aio-libs/aiokafka/issues/983). In
    the caller's task that would suppress a cancellation meant for the caller, which would then go on with a partition
    that it has to give up.
    """
    task = asyncio.create_task(work)
    _RUNNING.add(task)
    task.add_done_callback(_discard)
    await asyncio.wait([task], timeout=seconds)
    if task.done():
        task.result()
    return task.done()


def _discard(task: "asyncio.Task[None]") -> None:
    """Mark the error as retrieved: a caller that still waits raises it, others have stopped waiting."""
    _RUNNING.discard(task)
    if not task.cancelled():
        task.exception()


async def abort_producer(producer: AIOKafkaProducer) -> None:
    """Close a producer's connections and end its tasks; bounded in time. Batches that were sent may still arrive.

    Upstream's ``stop`` waits until every batch is answered, however long that takes
    (https://github.com/aio-libs/aiokafka/issues/1101).
    """
    producer.client.send = _refuse
    await in_own_task(_abort_producer(producer), 3 * _CLOSE_SECONDS)


async def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise StoppedProducerError("the producer has been aborted")


async def _abort_producer(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await _abort_connections(producer.client)
            await producer._sender.close()
    producer._message_accumulator.fail_all(StoppedProducerError("the producer has been aborted"))
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
    for future in _unawaited(producer):
        if future.done() and not future.cancelled():
            future.exception()


def member_of(consumer: AIOKafkaConsumer) -> str:
    """The id of a consumer that has joined its group."""
    return str(consumer._coordinator.member_id)


def resume_membership(consumer: AIOKafkaConsumer, member: str) -> None:
    """Join as a member that the group may still know, before the subscription; as a new one if it does not."""
    consumer._coordinator.member_id = member


async def stop_consumer(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Stop a consumer; where that does not succeed in time, close its connections and end its fetching at least.

    Upstream's ``stop`` raises the CancelledError of the consumer's own tasks
    (https://github.com/aio-libs/aiokafka/issues/647), so it runs in a task of its own.
    """
    stopping = asyncio.create_task(consumer.stop())
    try:
        await asyncio.wait([stopping], timeout=seconds)
    finally:
        if not stopping.done() or stopping.cancelled() or stopping.exception() is not None:
            stopping.cancel()
            await _abort_connections(client_of(consumer))
            ending = [stopping]
            if consumer._fetcher is not None:
                ending.append(asyncio.create_task(consumer._fetcher.close()))
            await asyncio.wait(ending, timeout=_CLOSE_SECONDS)


def close_unanswered(client: AIOKafkaClient) -> None:
    """Close the connections that owe an answer; the next request opens others. aiokafka closes them only after its own
    time-out, which a cancelled request does not reach: every later request would wait for the same frozen broker.
    """
    for connection in [*client._conns.values()]:
        if connection._requests:
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)


async def close_client(client: AIOKafkaClient, seconds: float) -> None:
    """Close a client; where that does not succeed in time, abort its connections."""
    if not await in_own_task(client.close(), seconds):
        await in_own_task(_abort_connections(client), _CLOSE_SECONDS)


async def _abort_connections(client: AIOKafkaClient) -> None:
    """Abort a client's connections with their pending requests, and complete a pending metadata update.

    Upstream's ``close`` leaves the future of a metadata update pending: tasks that wait for it never end.
    """
    for connection in client._conns.values():
        if connection._writer is not None:
            connection._writer.transport.abort()
    await client.close()
    answered = asyncio.get_running_loop().create_future()
    answered.set_result(False)
    waiting, client._md_update_fut = client._md_update_fut, answered
    if waiting is not None and not waiting.done():
        waiting.set_result(False)


def _unawaited(producer: AIOKafkaProducer) -> Iterator["asyncio.Future[Any]"]:
    """Futures in which upstream stores errors and which are never awaited: asyncio would log each as an error."""
    transaction = producer._txn_manager._transaction_waiter
    if transaction is not None:
        yield transaction
    accumulator = producer._message_accumulator
    for batch in itertools.chain(accumulator._pending_batches, *accumulator._batches.values()):
        yield from (batch.future, batch._drain_waiter)
