"""The one writer of a role's partition: a transactional producer whose commit is all, nothing, or unknown."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import RecordMetadata

from gateway.errors import (
    FencedError,
    LogError,
    LogUnavailableError,
    UnknownOutcomeError,
)
from gateway.log.kafka.aiokafka_patches import abort_producer, in_own_task, patch_client
from gateway.log.kafka.batch import BATCH_BYTES, build, split
from gateway.log.kafka.error import is_fenced, told
from gateway.log.kafka.request_guard import RequestGuard
from gateway.log.kafka.settings import TRANSACTION_SECONDS, KafkaSettings, client_options
from gateway.log.port import Output
from gateway.protocol.record import Record

Find = Callable[[str], Awaitable[Sequence[TopicPartition]]]
Ends = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]

_BACKOFF_MS = 20
_LOOK_SECONDS = 0.002
_PASSING = Record(b"end", None)


class KafkaOwner:
    """Commits of one transaction each, one after the other. After any failure it is spent: nothing that it sent before
    can mix with what it would send next, because it sends nothing more.
    """

    def __init__(self, settings: KafkaSettings, role: str, partition: int, *, find: Find, ends: Ends) -> None:
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
        patch_client(self._producer.client)
        self._guard = RequestGuard(self._producer.client)
        self._one = asyncio.Lock()
        self._spent: LogError | None = None

    async def take(self) -> None:
        """Fence the former owner; what it left open is aborted. Raises LogUnavailableError."""
        try:
            async with asyncio.timeout(self._settings.patience):
                await self._producer.start()
        except BaseException as error:
            await self._abandon()
            if isinstance(error, KafkaError | OSError):
                raise LogUnavailableError(f"{self._name} could not be taken: {told(error)}.") from error
            raise

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """As ``Owner.commit``; the offsets returned lie behind the transaction's markers."""
        return await self._transact(_by_place(outputs), commit=True)

    async def end(self, topic: str, partition: int) -> int:
        """As ``Owner.end``: behind a record that is written and taken back, which none but the partition's true leader
        can do. Readers see a gap.
        """
        place = topic, partition
        return (await self._transact({place: [_PASSING]}, commit=False))[place]

    async def close(self) -> None:
        """Stop the producer. One that is spent is cut off and never aborts: the next owner's start does that."""
        if self._spent is not None:
            await self._abandon()
            return
        self._spent = LogUnavailableError(f"{self._name} has been given back.")
        if not await in_own_task(self._producer.stop(), self._settings.patience):
            await self._abandon()

    async def _transact(
        self, parts: Mapping[tuple[str, int], Sequence[Record]], *, commit: bool
    ) -> Mapping[tuple[str, int], int]:
        """Write, and commit or abort; per place the offset behind the marker, once everything before can be read."""
        async with self._one:
            if self._spent is not None:
                raise type(self._spent)(*self._spent.args)
            for topic in {topic for topic, _ in parts}:
                await self._find(topic)
            try:
                async with asyncio.timeout(self._settings.patience):
                    lasts = await self._write(parts, commit=commit)
            except BaseException as error:
                self._spent = self._verdict(error, commit=commit)
                self._guard.stop()
                if isinstance(error, Exception):
                    raise self._spent from error
                raise
            ends = {place: last + 2 for place, last in lasts.items()}
            await self._until_visible({self._full(place): end for place, end in ends.items()})
            return ends

    async def _write(
        self, parts: Mapping[tuple[str, int], Sequence[Record]], *, commit: bool
    ) -> dict[tuple[str, int], int]:
        """One transaction; the offset of the last record per place."""
        self._guard.begin()
        await self._producer.begin_transaction()
        batches = [
            (place, len(part), build(self._producer, part))
            for place, records in parts.items()
            for part in split(records)
        ]
        waiting: list[asyncio.Future[RecordMetadata]] = []
        try:
            for (topic, partition), _, batch in batches:
                full = self._settings.topic(topic)
                waiting.append(await self._producer.send_batch(batch, full, partition=partition))
        except IllegalOperation:  # a batch sent before this one has ended the producer: that is the news
            await asyncio.gather(*waiting)
            raise
        answers = await asyncio.gather(*waiting)
        await (self._producer.commit_transaction() if commit else self._producer.abort_transaction())
        return {place: answer.offset + count - 1 for (place, count, _), answer in zip(batches, answers, strict=True)}

    async def _until_visible(self, ends: Mapping[TopicPartition, int]) -> None:
        """Wait for the markers: the broker answers a commit when it is certain, a little before it can be read. While
        they are being written it would also refuse the next transaction, and that costs a longer pause than this.
        """
        with contextlib.suppress(TimeoutError, LogError):
            async with asyncio.timeout(self._settings.patience):
                while True:
                    reached = await self._ends(list(ends))
                    if all(reached[place] >= end for place, end in ends.items()):
                        return
                    await asyncio.sleep(_LOOK_SECONDS)

    def _verdict(self, error: BaseException, *, commit: bool) -> LogError:
        """What became of the transaction that this error ended."""
        if is_fenced(error):
            return FencedError(f"Another owner has taken {self._name}.")
        if commit and self._guard.commits:
            return UnknownOutcomeError(f"The commit of {self._name} may or may not have happened: {told(error)}.")
        return LogUnavailableError(f"{self._name} committed nothing: {told(error)}.")

    def _full(self, place: tuple[str, int]) -> TopicPartition:
        return TopicPartition(self._settings.topic(place[0]), place[1])

    async def _abandon(self) -> None:
        self._guard.stop()
        await abort_producer(self._producer)


def _by_place(outputs: Sequence[Output]) -> dict[tuple[str, int], list[Record]]:
    parts: dict[tuple[str, int], list[Record]] = {}
    for output in outputs:
        parts.setdefault((output.topic, output.partition), []).append(output.record)
    return parts
