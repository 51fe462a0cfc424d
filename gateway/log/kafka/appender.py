"""Appends by one idempotent producer: the queued appends of a partition form one batch at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, LeaderNotAvailableError

from gateway.errors import LogBusyError, LogError, LogUnavailableError, UnknownOutcomeError
from gateway.log.common import MAX_BYTES
from gateway.log.kafka.aiokafka_patches import abort_producer, in_own_task, patch_client
from gateway.log.kafka.batch import BATCH_BYTES, build
from gateway.log.kafka.error import REFUSALS, describe
from gateway.log.kafka.request_guard import RequestGuard
from gateway.log.kafka.settings import KafkaSettings, client_options
from gateway.log.port import Appended
from gateway.log.retry import retry
from gateway.protocol.record import Record
from gateway.runtime.loop import stop

MAX_QUEUED_BYTES = 64 * MAX_BYTES
MAX_QUEUED_CALLS = 10_000
_MAX_RETRY_SECONDS = 1.0
_LINGER_SECONDS = 0.004
_SMALL_BYTES = 16 * 1024
"""An append of at most this size, such as a single offer, precedes the slices of uploads."""
_BESIDE_BYTES = 256 * 1024
_FEW = 100
"""A batch of fewer records is followed by a linger time."""


@dataclass(slots=True, eq=False)
class _Call:
    records: Sequence[Record]
    size: int
    done: "asyncio.Future[Appended]"
    sent: bool = False


@dataclass(slots=True)
class _Queue:
    """The queued appends of one partition, and the task that writes them."""

    topic_partition: TopicPartition
    calls: deque[_Call] = field(default_factory=deque)
    task: "asyncio.Task[None] | None" = None

    def give_up(self, call: _Call) -> None:
        """Remove a call whose caller has stopped waiting: it no longer counts towards the limits."""
        with contextlib.suppress(ValueError):
            self.calls.remove(call)


class Appender:
    """Writes batches durably and in order per partition. Bounded: an append beyond the limits is refused at once.

    A batch stays in this class until its partition's leader is reachable; only then is it passed to aiokafka, which
    resends it until it is answered, without a time limit. A batch that was not passed on is certainly not written.
    """

    def __init__(self, settings: KafkaSettings, *, topics: Iterable[str]) -> None:
        self._settings = settings
        self._topics = topics
        self._queues: dict[TopicPartition, _Queue] = {}
        self._queued_bytes = 0
        self._queued_calls = 0
        self._current: RequestGuard | None = None
        self._connecting = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    async def append(self, topic_partition: TopicPartition, records: Sequence[Record], size: int) -> Appended:
        """As ``EventLog.append``; ``size`` is the framed bytes of the records."""
        if self._closed:
            raise LogUnavailableError("The log is closed.")
        if self._queued_calls >= MAX_QUEUED_CALLS or self._queued_bytes + size > MAX_QUEUED_BYTES:
            raise LogBusyError(f"{self._queued_calls} appends ({self._queued_bytes} bytes) wait for Kafka already.")
        topic = topic_partition.topic
        call = _Call(records, size, asyncio.get_running_loop().create_future())
        self._queued_calls += 1
        self._queued_bytes += size
        try:
            self._enqueue(topic_partition, call)
            async with asyncio.timeout(self._settings.patience):
                return await call.done
        except TimeoutError:
            if call.sent:
                raise UnknownOutcomeError(f"Kafka did not answer an append to {topic} in time.") from None
            raise LogUnavailableError(f"Kafka was not ready for an append to {topic} in time.") from None
        finally:
            if not call.sent:
                self._queues[topic_partition].give_up(call)
            self._queued_calls -= 1
            self._queued_bytes -= size

    async def close(self) -> None:
        """Write queued appends, as far as the time-out permits, and stop."""
        self._closed = True
        tasks = [queue.task for queue in self._queues.values() if queue.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._settings.patience)
            await stop(late)
        for queue in self._queues.values():
            _fail(queue.calls, LogUnavailableError("The log was closed before Kafka was ready for an append."))
        self._discard()
        if self._stopping:
            await asyncio.wait(self._stopping)

    def _enqueue(self, topic_partition: TopicPartition, call: _Call) -> None:
        queue = self._queues.setdefault(topic_partition, _Queue(topic_partition))
        queue.calls.append(call)
        if queue.task is None:
            queue.task = asyncio.create_task(self._drain(queue))

    async def _drain(self, queue: _Queue) -> None:
        """Write until the queue is empty."""
        try:
            while (guard := await self._ready(queue)) is not None:
                calls = _take(queue)
                if calls:
                    await self._write(guard, queue.topic_partition, calls)
                    if sum(len(call.records) for call in calls) < _FEW:
                        await _linger()
        finally:
            queue.task = None

    async def _ready(self, queue: _Queue) -> RequestGuard | None:
        """The guard of a producer that is connected to the partition's leader; None when the queue is empty."""
        with contextlib.suppress(KafkaError, OSError):
            return await self._connect_to_leader(queue)
        return await retry(
            f"append to {queue.topic_partition.topic} {queue.topic_partition.partition}",
            partial(self._connect_to_leader, queue),
            on=(KafkaError, OSError),
            longest=_MAX_RETRY_SECONDS,
        )

    async def _connect_to_leader(self, queue: _Queue) -> RequestGuard | None:
        """As ``_ready``. Raises KafkaError, OSError."""
        if not queue.calls:
            return None
        guard = await self._connect()
        client = guard.producer.client
        await guard.producer.partitions_for(queue.topic_partition.topic)  # send_batch would wait as well
        leader = client.cluster.leader_for_partition(queue.topic_partition)
        if leader in {None, -1} or not await client.ready(leader):
            client.force_metadata_update()
            raise LeaderNotAvailableError(f"{queue.topic_partition.topic} {queue.topic_partition.partition}")
        return guard

    async def _write(self, guard: RequestGuard, topic_partition: TopicPartition, calls: Sequence[_Call]) -> None:
        """Send one batch; its outcome is that of all calls in it."""
        records = [record for call in calls for record in call.records]
        topic, partition = topic_partition
        guard.forget(topic, partition)
        for call in calls:
            call.sent = True
        try:
            batch = build(guard.producer, records)
            answer = await (await guard.producer.send_batch(batch, topic, partition=partition))
        except asyncio.CancelledError:
            _fail(
                calls,
                UnknownOutcomeError(f"The log was closed before an append to {topic} was answered."),
            )
            raise
        except Exception as error:  # noqa: BLE001 - any error is the outcome of the calls
            self._discard(guard)
            refused = isinstance(error, REFUSALS) and guard.sent(topic, partition) <= 1
            kind: type[LogError] = LogUnavailableError if refused else UnknownOutcomeError
            _fail(calls, kind(f"Appending to {topic} failed: {describe(error)}."))
        else:
            _settle(calls, answer.offset, topic)

    async def _connect(self) -> RequestGuard:
        async with self._connecting:
            if self._current is None:
                producer = AIOKafkaProducer(
                    **client_options(self._settings),
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=BATCH_BYTES,
                )
                patch_client(producer.client, self._topics)
                guard = RequestGuard(producer)
                try:
                    async with asyncio.timeout(self._settings.patience):
                        await producer.start()
                except BaseException:
                    await in_own_task(producer.stop(), self._settings.patience)
                    raise
                self._current = guard
            return self._current

    def _discard(self, guard: RequestGuard | None = None) -> None:
        """Stop a producer: aiokafka leaves a gap in the sequence numbers after a failed batch. Batches of other
        partitions in flight are still written.
        """
        if self._current is None or (guard is not None and guard is not self._current):
            return
        producer, self._current = self._current.producer, None
        task = asyncio.create_task(_stop(producer, self._settings.patience))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


async def _linger() -> None:
    """Wait for the next tick, which is the same for all partitions: appends that arrive meanwhile for any of them are
    sent in one request, and a request costs client and broker far more than its content.
    """
    await asyncio.sleep(_LINGER_SECONDS - asyncio.get_running_loop().time() % _LINGER_SECONDS)


def _take(queue: _Queue) -> list[_Call]:
    """The next calls, as many as fill a batch of 1 MiB: small ones first, each kind in its order. Large ones that
    accompany small ones are at most 256 KiB together, since the small ones have to wait for their answer.
    """
    small = [call for call in queue.calls if call.size <= _SMALL_BYTES]
    if len(small) in {0, len(queue.calls)}:
        return _take_in_order(queue.calls, MAX_BYTES)
    large = deque(call for call in queue.calls if call.size > _SMALL_BYTES)
    waiting = deque(small)
    calls = _take_in_order(waiting, MAX_BYTES)
    available = min(_BESIDE_BYTES, MAX_BYTES - sum(call.size for call in calls))
    if large[0].size <= available:
        calls += _take_in_order(large, available)
    queue.calls = waiting + large
    return calls


def _take_in_order(waiting: deque[_Call], available: int) -> list[_Call]:
    """The first calls that fit into the available bytes, but at least one."""
    calls: list[_Call] = []
    while waiting and (not calls or waiting[0].size <= available):
        call = waiting.popleft()
        calls.append(call)
        available -= call.size
    return calls


def _settle(calls: Sequence[_Call], base: int, topic: str) -> None:
    if base < 0:  # a duplicate whose offset the broker no longer has
        _fail(calls, UnknownOutcomeError(f"Kafka wrote an append to {topic} but does not say where."))
        return
    for call in calls:
        last = base + len(call.records) - 1
        if not call.done.done():
            call.done.set_result(Appended(base, last))
        base = last + 1


def _fail(calls: Iterable[_Call], error: LogError) -> None:
    for call in calls:
        if not call.done.done():
            call.done.set_exception(type(error)(*error.args))


async def _stop(producer: AIOKafkaProducer, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await producer.stop()
    except TimeoutError:
        await abort_producer(producer)
