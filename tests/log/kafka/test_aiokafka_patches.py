"""The private names and the defects of the pinned aiokafka that the patches rely on; without a broker.

``NAMES`` and ``METHODS`` hold every private name that the patches use. A test of a patch shows what upstream does by
itself: when one fails after an upgrade, upstream has corrected it, and the patch of that name can be deleted.
"""

import ast
import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.consumer.group_coordinator import NoGroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError
from aiokafka.producer.message_accumulator import MessageAccumulator, MessageBatch
from aiokafka.producer.sender import BaseHandler, Sender
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.structs import BrokerMetadata, PartitionMetadata

from gateway.log.kafka import aiokafka_patches
from gateway.log.kafka.aiokafka_patches import (
    CommittedRecords,
    ReplacingRecords,
    StoppedProducerError,
    describe_own_topics,
    learn_topics,
    own_sticky_assignor,
    request_missing_topics,
)
from gateway.log.kafka.leader_epochs import VERSION_WITH_EPOCHS

NOBODY = "127.0.0.1:1"
PARTITION = TopicPartition("t", 0)
OWN_NAMES = {"_next", "_input"}
"""Private names that the patches themselves define."""


@dataclass
class Objects:
    """One of each of aiokafka's objects, not connected."""

    client: AIOKafkaClient
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    batch: MessageBatch


@pytest.fixture
async def objects() -> AsyncIterator[Objects]:
    producer = AIOKafkaProducer(bootstrap_servers=NOBODY, transactional_id="t")
    manager, accumulator = producer._txn_manager, producer._message_accumulator
    manager.set_pid_and_epoch(1, 0)
    manager.begin_transaction()
    builder = producer.create_batch()
    builder.append(timestamp=1, key=b"k", value=b"v", headers=[])
    await accumulator.add_batch(builder, PARTITION, 1.0)
    (batch,) = accumulator._batches[PARTITION]
    client = AIOKafkaClient(bootstrap_servers=NOBODY)
    consumer = AIOKafkaConsumer(bootstrap_servers=NOBODY)
    yield Objects(client, producer, consumer, AIOKafkaAdminClient(bootstrap_servers=NOBODY), batch)
    accumulator.fail_all(StoppedProducerError())
    for future in aiokafka_patches._unawaited(producer):
        if future.done():
            future.exception()
    await producer.stop()
    await consumer.stop()
    await client.close()


NAMES: list[tuple[str, Callable[[Objects], object]]] = [
    ("_bootstrap_servers", lambda it: it.client),
    ("_conns", lambda it: it.client),
    ("_sync_task", lambda it: it.client),
    ("_md_update_fut", lambda it: it.client),
    ("_bootstrap_brokers", lambda it: it.client.cluster),
    ("_writer", lambda _: AIOKafkaConnection("127.0.0.1", 1)),
    ("_requests", lambda _: AIOKafkaConnection("127.0.0.1", 1)),
    ("_client", lambda it: it.consumer),
    ("_client", lambda it: it.admin),
    ("_fetcher", lambda it: it.consumer),
    ("_coordinator", lambda it: it.consumer),
    ("_sender", lambda it: it.producer),
    ("_message_accumulator", lambda it: it.producer),
    ("_txn_manager", lambda it: it.producer),
    ("_transaction_waiter", lambda it: it.producer._txn_manager),
    ("_pending_batches", lambda it: it.producer._message_accumulator),
    ("_batches", lambda it: it.producer._message_accumulator),
    ("_drain_waiter", lambda it: it.batch),
    ("_topics", lambda _: MetadataRequest([])),
    ("_topics", lambda it: it.client),
    ("_topics", lambda _: ProduceRequest(None, -1, 1, [])),
    ("_buffer", lambda _: _DefaultRecordBatchPy(written("k"))),
    ("_next_slice", lambda _: _MemoryRecordsPy(written("k"))),
]
"""Attributes."""

METHODS: list[tuple[type, str, str]] = [
    (AIOKafkaClient, "_get_conn", "(self, node_id, *, group=<ConnectionGroup.DEFAULT: 0>, no_hint=False)"),
    (AIOKafkaClient, "_metadata_update", "(self, cluster_metadata, topics)"),
    (AIOKafkaClient, "_md_synchronizer", "(self)"),
    (ClusterMetadata, "_generate_bootstrap_brokers", "(self)"),
    (PartitionRecords, "_consumer_record", "(self, tp, record)"),
    (_MemoryRecordsPy, "_cache_next", "(self, len_offset: int = 8, log_overhead: int = 12) -> None"),
    (_DefaultRecordBatchPy, "_maybe_uncompress", "(self) -> None"),
    (Sender, "close", "(self)"),
    (MessageAccumulator, "fail_all", "(self, exception)"),
    (TransactionManager, "fatal_error", "(self, exc)"),
    (AIOKafkaConnection, "send", "(self, request, expect_response=True)"),
    (
        PartitionRecords,
        "__init__",
        (
            "(self, tp, records, aborted_transactions, fetch_offset, key_deserializer, value_deserializer, check_crcs, "
            "isolation_level)"
        ),
    ),
]
"""Methods that the patches call, replace or override."""


@pytest.mark.parametrize(("name", "owner"), NAMES, ids=[f"{number}-{name}" for number, (name, _) in enumerate(NAMES)])
async def test_a_private_attribute_exists(objects: Objects, name: str, owner: Callable[[Objects], object]) -> None:
    assert hasattr(owner(objects), name)


@pytest.mark.parametrize(("owner", "name", "signature"), METHODS, ids=[f"{it[0].__name__}.{it[1]}" for it in METHODS])
def test_a_private_method_has_its_signature(owner: type, name: str, signature: str) -> None:
    assert signature == str(inspect.signature(getattr(owner, name)))


def test_every_private_name_that_the_patches_use_is_listed() -> None:
    tree = ast.parse(Path(aiokafka_patches.__file__).read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and private(node.attr)}
    overridden = {"_consumer_record"}
    listed = {name for name, _ in NAMES} | {name for _, name, _ in METHODS if private(name)}
    assert used - OWN_NAMES | overridden == listed


def private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def written(*keys: str, header: str = "name") -> bytes:
    """A batch as a partition holds it, from offset 0."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for number, key in enumerate(keys):
        builder.append(number, timestamp=1, key=key.encode(), value=b"v", headers=[(header, b"v")])
    return bytes(builder.build())


class Recording(AIOKafkaClient):  # type: ignore[misc]
    """A client that records each request for a connection that it can close later."""

    def __init__(self) -> None:
        super().__init__(bootstrap_servers=NOBODY)
        self.requested: list[Any] = []

    async def _get_conn(self, *arguments: Any, **_: Any) -> None:
        self.requested.append(arguments)


async def test_track_bootstrap_upstream_connects_past_the_connections_that_it_closes() -> None:
    client = Recording()
    with pytest.raises(KafkaConnectionError):
        await client.bootstrap()
    assert [] == client.requested


class Asking(AIOKafkaClient):  # type: ignore[misc]
    """A client whose connection records each request and fails."""

    def __init__(self) -> None:
        super().__init__(bootstrap_servers=NOBODY)
        self.cluster._bootstrap_brokers = {0: BrokerMetadata(0, "127.0.0.1", 1, None)}
        self.requested: list[list[str] | None] = []

    async def _get_conn(self, *_: Any, **__: Any) -> "Asking":
        return self

    async def send(self, request: MetadataRequest) -> NoReturn:
        self.requested.append(request._topics)
        raise KafkaConnectionError


async def test_describe_own_topics_upstream_requests_all_topics_for_a_client_that_has_none() -> None:
    client = Asking()
    await client._metadata_update(client.cluster, client._topics)
    describe_own_topics(client)
    for topics in (set(), {"t"}, None):
        await client._metadata_update(client.cluster, topics)
    assert [None, [], ["t"], None] == client.requested


async def test_learn_topics_requests_unknown_topics_together() -> None:
    client = Asking()
    client.cluster._partitions["known"] = {0: PartitionMetadata("known", 0, 1, [1], [1], None)}
    synchronizing = asyncio.create_task(client._md_synchronizer())
    try:
        await learn_topics(client, ["known"])
        assert [] == client.requested
        await learn_topics(client, ["known", "b", "a"])
        await learn_topics(client, ["a"])
    finally:
        synchronizing.cancel()
    assert [{"a", "b"}, {"a", "b"}] == [{*(topics or ())} for topics in client.requested]


async def test_request_missing_topics_upstream_requests_a_topic_once() -> None:
    client = AIOKafkaClient(bootstrap_servers=NOBODY)
    client._topics.add("new")
    assert client.add_topic("new").done()
    request_missing_topics(client)
    again = client.add_topic("new")
    assert client._md_update_waiter.done()
    assert not again.done()
    client.cluster._partitions["new"] = {0: PartitionMetadata("new", 0, 1, [1], [1], None)}
    assert client.add_topic("new").done()


class Failing(AIOKafkaClient):  # type: ignore[misc]
    async def _metadata_update(self, *_: Any) -> NoReturn:
        raise ValueError("unforeseen")


async def test_synchronize_upstream_stops_updating_metadata_at_an_unforeseen_error() -> None:
    client = Failing(bootstrap_servers=NOBODY)
    task = asyncio.ensure_future(client._md_synchronizer())
    client.force_metadata_update()
    with pytest.raises(ValueError, match="unforeseen"):
        await task


class Closed:
    """A writer whose transport has closed, as uvloop's."""

    def write(self, _: bytes) -> NoReturn:
        raise RuntimeError("the handler is closed")

    def is_closing(self) -> bool:
        return True


async def test_report_broken_upstream_raises_what_the_event_loop_raises() -> None:
    connection = AIOKafkaConnection("127.0.0.1", 1)
    connection._writer, connection._versions = Closed(), {MetadataRequest.API_KEY: (0, 5)}
    with pytest.raises(RuntimeError, match="the handler is closed"):
        connection.send(MetadataRequest([]))


def test_metadata_request_with_epochs_upstream_asks_for_an_older_version() -> None:
    assert VERSION_WITH_EPOCHS > MetadataRequest([]).prepare({MetadataRequest.API_KEY: (0, 12)}).API_VERSION


def test_use_newest_leader_upstream_keeps_no_epochs() -> None:
    assert not [name for name in PartitionMetadata._fields if "epoch" in name]


@pytest.mark.parametrize("records", [MemoryRecords, _MemoryRecordsPy])
def test_replacing_records_upstream_raises_for_a_header_name_that_is_not_utf8(records: Callable[[bytes], Any]) -> None:
    content = written("k", header="bad").replace(b"bad", b"\xff\xfea")
    with pytest.raises(UnicodeDecodeError):
        list(records(content).next_batch())
    assert ["\ufffd\ufffda"] == [record.headers[0][0] for record in ReplacingRecords(content).next_batch()]


def test_committed_records_upstream_goes_back_behind_the_offset_that_was_fetched() -> None:
    content = written("a", "b")
    theirs = PartitionRecords(PARTITION, MemoryRecords(content), [], 10, None, None, True, READ_COMMITTED)
    ours = CommittedRecords(PARTITION, content, [], 10)
    assert [] == [*theirs, *ours]
    assert [2, 10] == [theirs.next_fetch_offset, ours.next_fetch_offset]


def test_own_sticky_assignor_upstream_keeps_a_members_assignment_on_the_class() -> None:
    class Shared(StickyPartitionAssignor):  # type: ignore[misc]
        """The class that two consumers of a process share; derived, so that the test does not change upstream's."""

    Shared.on_assignment(ConsumerProtocolMemberAssignment(0, [("t", [0])], b""))
    assert [PARTITION] == Shared.member_assignment
    one, two = own_sticky_assignor(), own_sticky_assignor()
    one.on_assignment(ConsumerProtocolMemberAssignment(0, [("t", [0])], b""))
    assert [[PARTITION], None] == [one.member_assignment, two.member_assignment]


class Request(BaseHandler):  # type: ignore[misc]
    """A request of a transaction whose sending fails."""

    def __init__(self, error: KafkaError) -> None:
        async def send(*_: Any, **__: Any) -> NoReturn:
            raise error

        super().__init__(SimpleNamespace(client=SimpleNamespace(send=send), _retry_backoff=0))

    def create_request(self) -> object:
        return object()

    def handle_error(self) -> float:
        return 0.0


@pytest.mark.parametrize("error", [RequestTimedOutError(), KafkaConnectionError()])
async def test_request_guard_upstream_repeats_a_request_that_had_no_answer(error: KafkaError) -> None:
    """False has it sent again: a delayed request of one transaction would then count for the next one."""
    assert not await Request(error).do(1)


async def test_spent_error_ends_the_repeating() -> None:
    with pytest.raises(StoppedProducerError):
        await Request(StoppedProducerError()).do(1)


async def test_in_own_task_upstream_suppresses_the_cancellation_of_the_caller_that_closes() -> None:
    client = AIOKafkaClient(bootstrap_servers=NOBODY)
    ended = asyncio.Event()

    async def metadata_task() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await ended.wait()

    client._sync_task = asyncio.create_task(metadata_task())
    await asyncio.sleep(0)
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)
    closing.cancel()
    ended.set()
    await closing
    assert not closing.cancelled()


async def test_abort_producer_upstream_waits_for_every_batch(objects: Objects) -> None:
    async def sender() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    objects.producer._sender._sender_task = asyncio.create_task(sender())
    stopping = asyncio.create_task(objects.producer.stop())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not stopping.done()
    objects.producer._message_accumulator.fail_all(StoppedProducerError())
    await stopping


async def test_stop_consumer_upstream_raises_the_cancellation_of_its_own_task() -> None:
    client = AIOKafkaClient(bootstrap_servers=NOBODY)
    coordinator = NoGroupCoordinator(client, SubscriptionState())
    with pytest.raises(asyncio.CancelledError):
        await coordinator.close()
    await client.close()


async def test_abort_connections_upstream_leaves_callers_waiting_for_metadata() -> None:
    client = AIOKafkaClient(bootstrap_servers=NOBODY)
    client.force_metadata_update()
    await client.close()
    assert not client._md_update_fut.done()


async def test_unawaited_upstream_puts_errors_in_futures_that_are_never_awaited(objects: Objects) -> None:
    manager, accumulator = objects.producer._txn_manager, objects.producer._message_accumulator
    manager.fatal_error(StoppedProducerError())
    accumulator.fail_all(StoppedProducerError())
    futures = list(aiokafka_patches._unawaited(objects.producer))
    assert [StoppedProducerError] * 3 == [type(future.exception()) for future in futures]
