"""Appending by one idempotent producer: what waits for a partition goes out together, one batch at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, LeaderNotAvailableError

from gateway.errors import (
    LogBusyError,
    LogError,
    LogUnavailableError,
    UnknownOutcomeError,
)
from gateway.log.common import MAX_BYTES
from gateway.log.kafka.aiokafka_patches import abort_producer, in_own_task, patch_client
from gateway.log.kafka.batch import BATCH_BYTES, build
from gateway.log.kafka.error import REFUSALS, told
from gateway.log.kafka.request_guard import RequestGuard
from gateway.log.kafka.settings import KafkaSettings, client_options
from gateway.log.port import Appended
from gateway.log.retry import retry
from gateway.protocol.record import Record

MAX_QUEUED_BYTES = 64 * MAX_BYTES
MAX_QUEUED_CALLS = 10_000
_LONGEST_RETRY_SECONDS = 1.0
_BEAT_SECONDS = 0.004
_SMALL_BYTES = 16 * 1024
"""An append of at most so many bytes, such as a single offer, goes before the slices of uploads."""
_BESIDE_BYTES = 256 * 1024
_FEW = 100
"""A batch of fewer records is followed by a rest."""


@dataclass(slots=True, eq=False)
class _Call:
    records: Sequence[Record]
    size: int
    done: "asyncio.Future[Appended]"
    sent: bool = False


@dataclass(slots=True)
class _Lane:
    """What waits for one partition, and the task that writes it out."""

    place: TopicPartition
    calls: deque[_Call] = field(default_factory=deque)
    task: "asyncio.Task[None] | None" = None

    def give_up(self, call: _Call) -> None:
        """Let go of a call that nobody waits for any more: it counts no longer, so it may not stay."""
        with contextlib.suppress(ValueError):
            self.calls.remove(call)


@dataclass(slots=True)
class _Source:
    """A started producer and its request guard."""

    producer: AIOKafkaProducer
    guard: RequestGuard


class Appender:
    """Writes batches durably and in order per partition. Bounded: what does not fit is refused at once.

    A batch stays with this class until its partition's leader is reachable; only then is it handed to aiokafka, which
    sends it until it is answered, however long that takes. So what was not handed over is certainly not written.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lanes: dict[TopicPartition, _Lane] = {}
        self._queued_bytes = 0
        self._queued_calls = 0
        self._source: _Source | None = None
        self._connecting = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    async def append(self, place: TopicPartition, records: Sequence[Record], size: int) -> Appended:
        """As ``EventLog.append``; ``size`` is the framed bytes of the records."""
        if self._closed:
            raise LogUnavailableError("The log is closed.")
        if self._queued_calls >= MAX_QUEUED_CALLS or self._queued_bytes + size > MAX_QUEUED_BYTES:
            raise LogBusyError(f"{self._queued_calls} appends ({self._queued_bytes} bytes) wait for Kafka already.")
        call = _Call(records, size, asyncio.get_running_loop().create_future())
        self._queued_calls += 1
        self._queued_bytes += size
        try:
            self._enqueue(place, call)
            async with asyncio.timeout(self._settings.patience):
                return await call.done
        except TimeoutError:
            if call.sent:
                raise UnknownOutcomeError(f"Kafka did not answer an append to {place.topic} in time.") from None
            raise LogUnavailableError(f"Kafka was not ready for an append to {place.topic} in time.") from None
        finally:
            if not call.sent:
                self._lanes[place].give_up(call)
            self._queued_calls -= 1
            self._queued_bytes -= size

    async def close(self) -> None:
        """Write out what is queued, as far as that is possible in time, and stop."""
        self._closed = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._settings.patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for lane in self._lanes.values():
            _fail(lane.calls, LogUnavailableError("The log was closed before Kafka was ready for an append."))
        self._discard()
        if self._stopping:
            await asyncio.wait(self._stopping)

    def _enqueue(self, place: TopicPartition, call: _Call) -> None:
        lane = self._lanes.setdefault(place, _Lane(place))
        lane.calls.append(call)
        if lane.task is None:
            lane.task = asyncio.create_task(self._drain(lane))

    async def _drain(self, lane: _Lane) -> None:
        """Write until nothing waits."""
        try:
            while (source := await self._ready(lane)) is not None:
                calls = _take(lane)
                if calls:
                    await self._write(source, lane.place, calls)
                    if sum(len(call.records) for call in calls) < _FEW:
                        await _beat()
        finally:
            lane.task = None

    async def _ready(self, lane: _Lane) -> _Source | None:
        """A producer that is connected to the partition's leader; None when no call waits for it any more."""
        with contextlib.suppress(KafkaError, OSError):
            return await self._connect_to_leader(lane)
        return await retry(
            f"append to {lane.place.topic} {lane.place.partition}",
            partial(self._connect_to_leader, lane),
            on=(KafkaError, OSError),
            longest=_LONGEST_RETRY_SECONDS,
        )

    async def _connect_to_leader(self, lane: _Lane) -> _Source | None:
        """As ``_ready``. Raises KafkaError, OSError."""
        if not lane.calls:
            return None
        source = await self._connect()
        client = source.producer.client
        await source.producer.partitions_for(lane.place.topic)  # send_batch would wait as well
        leader = client.cluster.leader_for_partition(lane.place)
        if leader in {None, -1} or not await client.ready(leader):
            client.force_metadata_update()
            raise LeaderNotAvailableError(f"{lane.place.topic} {lane.place.partition}")
        return source

    async def _write(self, source: _Source, place: TopicPartition, calls: Sequence[_Call]) -> None:
        """One batch; its outcome goes to all calls in it."""
        records = [record for call in calls for record in call.records]
        source.guard.forget(place.topic, place.partition)
        for call in calls:
            call.sent = True
        try:
            batch = build(source.producer, records)
            answer = await (await source.producer.send_batch(batch, place.topic, partition=place.partition))
        except asyncio.CancelledError:
            _fail(calls, UnknownOutcomeError(f"The log was closed before an append to {place.topic} was answered."))
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the callers must hear of it
            self._discard(source)
            refused = isinstance(error, REFUSALS) and source.guard.sent(place.topic, place.partition) <= 1
            kind: type[LogError] = LogUnavailableError if refused else UnknownOutcomeError
            _fail(calls, kind(f"Appending to {place.topic} failed: {told(error)}."))
        else:
            _settle(calls, answer.offset, place.topic)

    async def _connect(self) -> _Source:
        async with self._connecting:
            if self._source is None:
                producer = AIOKafkaProducer(
                    **client_options(self._settings),
                    enable_idempotence=True,
                    acks="all",
                    max_batch_size=BATCH_BYTES,
                )
                patch_client(producer.client)
                guard = RequestGuard(producer.client)
                try:
                    async with asyncio.timeout(self._settings.patience):
                        await producer.start()
                except BaseException:
                    await in_own_task(producer.stop(), self._settings.patience)
                    raise
                self._source = _Source(producer, guard)
            return self._source

    def _discard(self, source: _Source | None = None) -> None:
        """Stop a producer: aiokafka leaves a gap in the sequence of one whose batch failed. What other partitions have
        under way is still written out.
        """
        if self._source is None or (source is not None and source is not self._source):
            return
        producer, self._source = self._source.producer, None
        task = asyncio.create_task(_stop(producer, self._settings.patience))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


async def _beat() -> None:
    """Wait for the next beat, which is the same for all partitions: what comes meanwhile for any of them goes out in
    one request, and a request costs everyone far more than what is in it.
    """
    await asyncio.sleep(_BEAT_SECONDS - asyncio.get_running_loop().time() % _BEAT_SECONDS)


def _take(lane: _Lane) -> list[_Call]:
    """The next calls, as many as make up a batch of 1 MiB: small ones first, each kind in its order. Large ones that go
    out with small ones are at most 256 KiB together, since the small ones have to wait for their answer.
    """
    small = [call for call in lane.calls if call.size <= _SMALL_BYTES]
    if len(small) in {0, len(lane.calls)}:
        return _take_in_order(lane.calls, MAX_BYTES)
    large = deque(call for call in lane.calls if call.size > _SMALL_BYTES)
    waiting = deque(small)
    calls = _take_in_order(waiting, MAX_BYTES)
    room = min(_BESIDE_BYTES, MAX_BYTES - sum(call.size for call in calls))
    if large[0].size <= room:
        calls += _take_in_order(large, room)
    lane.calls = waiting + large
    return calls


def _take_in_order(waiting: deque[_Call], room: int) -> list[_Call]:
    """The first calls that have room, but at least one."""
    calls: list[_Call] = []
    while waiting and (not calls or waiting[0].size <= room):
        call = waiting.popleft()
        calls.append(call)
        room -= call.size
    return calls


def _settle(calls: Sequence[_Call], base: int, topic: str) -> None:
    if base < 0:  # a duplicate that the broker remembers only as such
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
