"""The exclusive writer of a role's partition: a transactional producer with atomic commits."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import RecordMetadata

from gateway.errors import FencedError, LogError, LogUnavailableError, UnknownOutcomeError
from gateway.log.common import by_partition
from gateway.log.kafka.aiokafka_patches import abort_producer, in_own_task, patch_client
from gateway.log.kafka.batch import BATCH_BYTES, build, split
from gateway.log.kafka.error import describe, is_fenced
from gateway.log.kafka.request_guard import RequestGuard
from gateway.log.kafka.settings import TRANSACTION_SECONDS, KafkaSettings, client_options
from gateway.log.port import Output
from gateway.protocol.record import Record

Find = Callable[[str], Awaitable[Sequence[TopicPartition]]]
Ends = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]

_BACKOFF_MS = 20
_POLL_SECONDS = 0.002
_ABORTED = Record(b"end", None)


class KafkaOwner:
    """Commits one transaction at a time. After any failure it is spent and sends nothing more, so that requests of a
    failed transaction cannot mix with those of a later one. A commit succeeds, fails, or has an unknown outcome.
    """

    def __init__(
        self, settings: KafkaSettings, role: str, partition: int, *, find: Find, ends: Ends, topics: Iterable[str]
    ) -> None:
        self._settings = settings
        self._name = f"{role} {partition}"
        self._find = find
        self._ends = ends
        self._producer = AIOKafkaProducer(
            **client_options(settings),
            transactional_id=settings.transactional_id(role, partition),
            transaction_timeout_ms=TRANSACTION_SECONDS * 1_000,
            retry_backoff_ms=_BACKOFF_MS,
            acks="all",
            max_batch_size=BATCH_BYTES,
        )
        patch_client(self._producer.client, topics)
        self._guard = RequestGuard(self._producer)
        self._lock = asyncio.Lock()
        self._spent: LogError | None = None

    async def take(self) -> None:
        """Fence the former owner and abort its open transaction. Raises LogUnavailableError."""
        try:
            async with asyncio.timeout(self._settings.patience):
                await self._producer.start()
        except BaseException as error:
            await self._abandon()
            if isinstance(error, KafkaError | OSError):
                raise LogUnavailableError(f"{self._name} could not be taken: {describe(error)}.") from error
            raise

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """As ``Owner.commit``; the returned offsets follow the transaction's markers."""
        return await self._transact(by_partition(outputs), commit=True)

    async def end(self, topic: str, partition: int) -> int:
        """As ``Owner.end``: the offset after a record that is written and aborted, which only the partition's current
        leader can do. Readers see a gap.
        """
        key = topic, partition
        return (await self._transact({key: [_ABORTED]}, commit=False))[key]

    async def close(self) -> None:
        """Stop the producer. A spent one is disconnected without an abort: the next owner's start aborts."""
        if self._spent is not None:
            await self._abandon()
            return
        self._spent = LogUnavailableError(f"{self._name} has been closed.")
        if not await in_own_task(self._producer.stop(), self._settings.patience):
            await self._abandon()

    async def _transact(
        self, parts: Mapping[tuple[str, int], Sequence[Record]], *, commit: bool
    ) -> Mapping[tuple[str, int], int]:
        """Write, and commit or abort. Returns the offset after each partition's marker, once all before is readable."""
        async with self._lock:
            if self._spent is not None:
                raise type(self._spent)(*self._spent.args)
            for topic in {topic for topic, _ in parts}:
                await self._find(topic)
            try:
                async with asyncio.timeout(self._settings.patience):
                    lasts = await self._write(parts, commit=commit)
            except BaseException as error:
                self._spent = self._outcome(error, commit=commit)
                self._guard.stop()
                if isinstance(error, Exception):
                    raise self._spent from error
                raise
            ends = {key: last + 2 for key, last in lasts.items()}
            await self._until_visible({self._topic_partition(key): end for key, end in ends.items()})
            return ends

    async def _write(
        self, parts: Mapping[tuple[str, int], Sequence[Record]], *, commit: bool
    ) -> dict[tuple[str, int], int]:
        """Write one transaction. Returns the offset of the last record per (topic, partition)."""
        self._guard.begin()
        await self._producer.begin_transaction()
        batches = [
            (key, len(part), build(self._producer, part)) for key, records in parts.items() for part in split(records)
        ]
        waiting: list[asyncio.Future[RecordMetadata]] = []
        try:
            for (topic, partition), _, batch in batches:
                full = self._settings.topic(topic)
                waiting.append(await self._producer.send_batch(batch, full, partition=partition))
        except IllegalOperation:  # an earlier batch has failed the producer: raise its error
            await asyncio.gather(*waiting)
            raise
        answers = await asyncio.gather(*waiting)
        await (self._producer.commit_transaction() if commit else self._producer.abort_transaction())
        return {key: answer.offset + count - 1 for (key, count, _), answer in zip(batches, answers, strict=True)}

    async def _until_visible(self, ends: Mapping[TopicPartition, int]) -> None:
        """Wait for the markers: the broker answers a commit once it is decided, shortly before it is readable. While it
        writes the markers it would also refuse the next transaction, and the pause before that retry is longer.
        """
        with contextlib.suppress(TimeoutError, LogError):
            async with asyncio.timeout(self._settings.patience):
                while True:
                    reached = await self._ends(list(ends))
                    if all(reached[topic_partition] >= end for topic_partition, end in ends.items()):
                        return
                    await asyncio.sleep(_POLL_SECONDS)

    def _outcome(self, error: BaseException, *, commit: bool) -> LogError:
        """The outcome of the transaction that this error ended, as an error of the port."""
        if is_fenced(error):
            return FencedError(f"Another owner has taken {self._name}.")
        if commit and self._guard.commits:
            return UnknownOutcomeError(f"The commit of {self._name} may or may not have happened: {describe(error)}.")
        return LogUnavailableError(f"{self._name} committed nothing: {describe(error)}.")

    def _topic_partition(self, key: tuple[str, int]) -> TopicPartition:
        return TopicPartition(self._settings.topic(key[0]), key[1])

    async def _abandon(self) -> None:
        self._guard.stop()
        await abort_producer(self._producer)
