"""Reading some partitions from given positions, without a group: committed records, and the gaps between them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from gateway.clock import now
from gateway.kafka.connection import keep_in_sight, release
from gateway.kafka.error import told
from gateway.kafka.settings import KafkaSettings, client_options
from gateway.ports import Chunk, LogUnavailableError, PositionLostError
from gateway.protocol.record import StoredRecord

_SHORTEST_LOOK = 0.005
_LONGEST_LOOK = 0.1
_STOP_SECONDS = 2.0

_Records: TypeAlias = Mapping[TopicPartition, Sequence[StoredRecord]]


class KafkaReader:
    """A consumer that is assigned, never subscribed. It connects at the first poll, once ``find`` knows the topics.

    aiokafka wakes a waiting poll for records only; where nothing but markers came, the position moves silently, so
    between waits of at most ``_LONGEST_LOOK`` seconds the positions are looked at.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        positions: Mapping[tuple[str, int], int],
        find: Callable[[str], Awaitable[Sequence[TopicPartition]]],
    ) -> None:
        self._settings = settings
        self._find = find
        self._names = {TopicPartition(settings.topic(topic), part): (topic, part) for topic, part in positions}
        self._positions = {place: positions[topic, part] for place, (topic, part) in self._names.items()}
        self._consumer: AIOKafkaConsumer | None = None
        self._starting: asyncio.Task[AIOKafkaConsumer] | None = None
        self._heard = 0.0
        self._careful = False

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """As ``Reader.poll``."""
        clock = asyncio.get_running_loop()
        until = clock.time() + wait
        look = _SHORTEST_LOOK
        try:
            consumer = await self._started()
            while True:
                left = max(0.0, until - clock.time())
                records = await self._records(consumer, limit, min(look, left))
                chunks = [
                    chunk
                    for place in self._positions
                    if (chunk := await self._moved(consumer, place, records.get(place, ()))) is not None
                ]
                if chunks:
                    self._heard = clock.time()
                if chunks or left == 0.0:
                    return chunks
                if clock.time() - self._heard > self._settings.patience:
                    self._heard = clock.time()
                    raise LogUnavailableError(f"Kafka has not answered a reader for {self._settings.patience:g} s.")
                look = min(2 * look, _LONGEST_LOOK)
        except OffsetOutOfRangeError as error:
            raise await self._lost(consumer, error) from error
        except (KafkaError, OSError) as error:
            raise LogUnavailableError(f"Reading failed: {told(error)}.") from error

    async def close(self) -> None:
        """Let the consumer go; bounded in time."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._consumer is not None:
            await release(self._consumer, _STOP_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _records(self, consumer: AIOKafkaConsumer, limit: int, wait: float) -> _Records:
        """What has come meanwhile. Header names that are not UTF-8 (a partner's inbox) make aiokafka fail on all that
        it has fetched; then it is read one by one up to the culprit, which is given out as an empty record.
        """
        if not self._careful:
            try:
                return _stored_all(await consumer.getmany(timeout_ms=int(wait * 1_000), max_records=limit))
            except UnicodeDecodeError:
                self._careful = True
        await asyncio.sleep(wait)
        for place in self._positions:
            try:
                found = await consumer.getmany(place, max_records=1)
            except UnicodeDecodeError:
                self._careful = False
                offset = await consumer.position(place)
                consumer.seek(place, offset + 1)
                return {place: [StoredRecord(offset, now(), None, b"")]}
            if found:
                return _stored_all(found)
        return {}

    async def _moved(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, records: Sequence[StoredRecord]
    ) -> Chunk | None:
        """What came from one partition; None when its position stands. Does not suspend: nothing may be lost between
        taking the records and returning them.
        """
        position = await consumer.position(place)
        if position == self._positions[place]:
            return None
        self._positions[place] = position
        topic, partition = self._names[place]
        return Chunk(topic, partition, records, position)

    async def _started(self) -> AIOKafkaConsumer:
        """The consumer, connected once, also when a poll is cancelled meanwhile."""
        if self._consumer is None:
            if self._starting is None:
                self._starting = asyncio.create_task(self._start())
            try:
                self._consumer = await asyncio.shield(self._starting)
            finally:
                if self._starting.done():
                    self._starting = None
        return self._consumer

    async def _start(self) -> AIOKafkaConsumer:
        for topic in {topic for topic, _ in self._names.values()}:
            await self._find(topic)
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            isolation_level="read_committed",
            auto_offset_reset="none",
            enable_auto_commit=False,
        )
        keep_in_sight(consumer._client)  # noqa: SLF001 - there is no other way in
        self._listen(consumer)
        try:
            async with asyncio.timeout(self._settings.patience):
                await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        consumer.assign(list(self._positions))
        for place, position in self._positions.items():
            consumer.seek(place, position)
        return consumer

    def _listen(self, consumer: AIOKafkaConsumer) -> None:
        """Note when a broker answered last: aiokafka itself asks on for ever without a word."""
        clock = asyncio.get_running_loop()
        client = consumer._client  # noqa: SLF001 - there is no other way in
        send = client.send

        async def listening(*arguments: Any, **options: Any) -> Any:
            answer = await send(*arguments, **options)
            self._heard = clock.time()
            return answer

        client.send = listening
        self._heard = clock.time()

    async def _lost(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> PositionLostError:
        ((place, position),) = error.args[0].items()
        topic, partition = self._names[place]
        start = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        return PositionLostError(
            f"Position {position} of {topic} partition {partition} lies outside what the log holds, {start} to {end}."
        )


def _stored_all(found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> _Records:
    return {place: [_stored(record) for record in records] for place, records in found.items()}


def _stored(record: ConsumerRecord) -> StoredRecord:
    headers = tuple((name, value or b"") for name, value in record.headers)
    return StoredRecord(record.offset, record.timestamp, record.key, record.value, headers)
