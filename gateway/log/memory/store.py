"""Shared state of the clients of one log in memory: topics, streams, owners and open transactions."""

import asyncio
import uuid
from collections.abc import Iterable, Sequence

from gateway.errors import FencedError, TopicError
from gateway.log.memory.stream import Stream
from gateway.log.port import Appended, Output
from gateway.protocol.record import Record
from gateway.protocol.topic import Topic

Spans = list[tuple[Stream, Appended]]


class Store:
    """A log's content. Several ``MemoryLog`` on one store simulate several processes on one log."""

    def __init__(self) -> None:
        self.identity: str | None = None
        self.topics: dict[str, Topic] = {}
        self._streams: dict[str, list[Stream]] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._open: dict[tuple[str, int], list[Spans]] = {}
        self._moved = asyncio.Event()

    def create(self, topics: Iterable[Topic], partitions: int) -> None:
        """Add missing topics and the identity."""
        if self.identity is None:
            self.identity = str(uuid.uuid4())
        for topic in topics:
            if topic.name not in self.topics:
                self.topics[topic.name] = topic
                self._streams[topic.name] = [Stream(topic.name, partition) for partition in range(partitions)]

    def streams(self, topic: str) -> Sequence[Stream]:
        """A topic's partitions. Raises TopicError."""
        try:
            return self._streams[topic]
        except KeyError:
            raise TopicError(f"The topic {topic} does not exist: run `passerelle topics create`.") from None

    def stream(self, topic: str, partition: int) -> Stream:
        """One partition of a topic. Raises TopicError."""
        streams = self.streams(topic)
        if not 0 <= partition < len(streams):
            raise TopicError(f"The topic {topic} has {len(streams)} partitions, there is no partition {partition}.")
        return streams[partition]

    def take(self, role: str, partition: int) -> int:
        """A new owner's epoch; the former owner's open transactions are aborted."""
        claim = role, partition
        for spans in self._open.pop(claim, []):
            self._settle(spans, commit=False)
        self._epochs[claim] = self._epochs.get(claim, 0) + 1
        return self._epochs[claim]

    def check_owner(self, role: str, partition: int, epoch: int) -> None:
        """Raises FencedError when a newer owner has taken the partition."""
        if self._epochs[role, partition] != epoch:
            raise FencedError(f"Another owner has taken {role} of partition {partition}.")

    def write(self, groups: Iterable[tuple[Stream, Sequence[Record]]], *, at: int) -> list[tuple[Stream, Appended]]:
        """Write the records of each stream: atomic for readers, because nothing here awaits."""
        spans = [(stream, stream.write(records, at=at)) for stream, records in groups]
        self._notify()
        return spans

    def begin(self, role: str, partition: int, outputs: Sequence[Output], *, at: int) -> Spans:
        """Write the outputs in a transaction that stays open until ``end``, or until the partition is taken."""
        spans = [(stream, stream.begin(records, at=at)) for stream, records in self.share_out(outputs)]
        self._open.setdefault((role, partition), []).append(spans)
        return spans

    def end(self, role: str, partition: int, spans: Spans, *, commit: bool) -> None:
        """Commit or abort an open transaction. Raises FencedError when a new owner has aborted it."""
        transactions = self._open.get((role, partition), [])
        if spans not in transactions:
            raise FencedError(f"Another owner has taken {role} of partition {partition} and aborted what was open.")
        transactions.remove(spans)
        self._settle(spans, commit=commit)

    def share_out(self, outputs: Sequence[Output]) -> list[tuple[Stream, list[Record]]]:
        """The outputs per stream, in their order. Raises TopicError."""
        by_partition: dict[tuple[str, int], list[Record]] = {}
        for output in outputs:
            by_partition.setdefault((output.topic, output.partition), []).append(output.record)
        return [(self.stream(topic, partition), records) for (topic, partition), records in by_partition.items()]

    async def moved(self) -> None:
        """Wait for the next change of the readable records."""
        await self._moved.wait()

    def _settle(self, spans: Spans, *, commit: bool) -> None:
        for stream, span in spans:
            stream.settle(span, commit=commit)
        self._notify()

    def _notify(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
