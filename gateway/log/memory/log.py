"""The event log in memory: one client of a store, its readers and owners."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from gateway.clock import Clock, now
from gateway.errors import LogUnavailableError, TopicError
from gateway.log.common import NO_IDENTITY, SingleMembership, SpentOwner, check_bounds, policy_findings
from gateway.log.memory.store import Store
from gateway.log.port import Appended, Chunk, LogReader, Output
from gateway.protocol.record import Record
from gateway.protocol.topic import Topic

_T = TypeVar("_T")


class MemoryReader(LogReader):
    """Reads partitions of a store from given positions."""

    def __init__(self, store: Store, positions: Mapping[tuple[str, int], int]) -> None:
        self._store = store
        self._positions = dict(positions)

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """Records from the positions on, or those that arrive within ``wait`` seconds. Raises PositionLostError."""
        await asyncio.sleep(0)  # as on a real log, other tasks run
        chunks = self._read(limit)
        if chunks or wait <= 0:
            return chunks
        try:
            async with asyncio.timeout(wait):
                while not chunks:
                    await self._store.moved.wait()
                    chunks = self._read(limit)
        except TimeoutError:
            pass
        return chunks

    async def close(self) -> None:
        """Nothing to release."""

    def _read(self, limit: int) -> list[Chunk]:
        """One pass over the partitions; those that were read move to the end of the queue, so that none starves."""
        chunks = []
        for topic, partition in tuple(self._positions):
            chunk = self._store.stream(topic, partition).read(self._positions[topic, partition], limit)
            if chunk is not None:
                limit -= len(chunk.records)
                chunks.append(chunk)
            if limit == 0:
                break
        for chunk in chunks:
            del self._positions[chunk.topic, chunk.partition]
            self._positions[chunk.topic, chunk.partition] = chunk.position
        return chunks


class MemoryLog:
    """An ``EventLog`` that keeps everything in memory and loses it with the process.

    Clients of the same log share ``store``.
    """

    def __init__(self, *, partitions: int = 3, clock: Clock = now, store: Store | None = None) -> None:
        self._partitions = partitions
        self._clock = clock
        self._store = Store() if store is None else store
        self._closed = False

    @property
    def partitions(self) -> int:
        """The partition count of every topic."""
        return self._partitions

    async def identity(self) -> str:
        """The UUID given by ``create_topics``. Raises TopicError."""
        if self._store.identity is None:
            raise TopicError(NO_IDENTITY)
        return self._store.identity

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create missing topics and the log's identity."""
        self._store.create(topics, self._partitions)

    async def check_topics(self, topics: Iterable[Topic]) -> Sequence[str]:
        """One sentence per topic that is missing or has another policy."""
        return policy_findings(topics, {name: topic.policy for name, topic in self._store.topics.items()})

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        """Write a batch atomically. Raises ValueError when it is empty or too large."""
        check_bounds(records)
        stream = self._store.stream(topic, partition)
        return await self._write(lambda: self._store.write([(stream, records)], at=self._clock())[0][1])

    def reader(self, positions: Mapping[tuple[str, int], int]) -> MemoryReader:
        """A reader from these positions."""
        return MemoryReader(self._store, positions)

    async def starts(self, topic: str) -> tuple[int, ...]:
        """Per partition the first offset still held; 0 for compacted topics."""
        await asyncio.sleep(0)
        return tuple(stream.start for stream in self._store.streams(topic))

    async def ends(self, topic: str) -> tuple[int, ...]:
        """Per partition the last stable offset."""
        await asyncio.sleep(0)
        return tuple(stream.stable for stream in self._store.streams(topic))

    async def own(self, role: str, partition: int) -> SpentOwner:
        """Take a partition; the former owner is fenced and its open transaction is aborted."""
        self._check_open()
        epoch = self._store.take(role, partition)

        async def commit(outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
            return await self._write(lambda: self._commit(role, partition, epoch, outputs))

        async def end(topic: str, number: int) -> int:
            return self._store.stream(topic, number).stable

        return SpentOwner(commit, end)

    async def join(self, group: str, topic: str) -> SingleMembership:  # noqa: ARG002 - there are no other members
        """A membership with every partition: fencing gives a partition to the process that took it last."""
        return SingleMembership(len(self._store.streams(topic)))

    async def maintain(self, topics: Iterable[Topic], *, now: int) -> None:
        """Apply retention and compaction as of ``now`` (ms since 1970), one partition at a time."""
        for topic in topics:
            for stream in self._store.streams(topic.name):
                if topic.policy == "delete":
                    stream.expire(now - topic.retention_ms, now=now)
                else:
                    stream.compact(deletes_before=now - topic.retention_ms)
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Refuse further writes."""
        self._closed = True

    def _commit(
        self, role: str, partition: int, epoch: int, outputs: Sequence[Output]
    ) -> Mapping[tuple[str, int], int]:
        self._store.check_owner(role, partition, epoch)
        spans = self._store.write(self._store.share_out(outputs), at=self._clock())
        return {(stream.topic, stream.partition): span.last + 2 for stream, span in spans}

    async def _write(self, write: Callable[[], _T]) -> _T:
        self._check_open()
        done = write()
        await asyncio.sleep(0)  # as on a real log, other tasks run
        return done

    def _check_open(self) -> None:
        if self._closed:
            raise LogUnavailableError("The log has been closed.")
