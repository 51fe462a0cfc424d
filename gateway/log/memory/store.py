"""Shared state of the clients of one log in memory: topics, owners, open transactions, and streams.

A stream is one partition of one topic: offsets with gaps, open transactions, compaction, retention.
"""

import uuid
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

from gateway.clock import append_time
from gateway.errors import FencedError
from gateway.log.common import by_partition, require_held, stream_of
from gateway.log.port import Appended, Chunk, Output
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import Topic
from gateway.runtime.loop import Signal

_OFFSET = attrgetter("offset")


class MemoryStream:
    """The records of a partition. ``end`` is the end offset, ``stable`` the last stable offset."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.start = 0
        self.end = 0
        self._records: list[StoredRecord] = []
        self._open: list[Appended] = []
        self._last_at = 0

    @property
    def stable(self) -> int:
        """The offset up to which committed records are readable: the first open transaction holds it back."""
        return min((span.first for span in self._open), default=self.end)

    def write(self, records: Sequence[Record], *, at: int) -> Appended:
        """Add committed records and use up one more offset, as a commit marker does."""
        span = self._add(records, at=at)
        self.end += 1
        return span

    def begin(self, records: Sequence[Record], *, at: int) -> Appended:
        """Add records of a transaction that stays open until ``settle``."""
        span = self._add(records, at=at)
        self._open.append(span)
        return span

    def settle(self, span: Appended, *, commit: bool) -> None:
        """Commit or abort an open transaction; its marker uses up an offset either way."""
        self._open.remove(span)
        self.end += 1
        if not commit:
            del self._records[self._index(span.first) : self._index(span.last + 1)]

    def read(self, position: int, limit: int) -> Chunk | None:
        """Up to ``limit`` records from a position; None when the position stays the same. Raises PositionLostError."""
        require_held(position, self.topic, self.partition, start=self.start, end=self.end)
        stable = self.stable
        first = self._index(position)
        records = self._records[first : min(first + limit, self._index(stable))]
        reached = records[-1].offset + 1 if len(records) == limit else stable
        more = reached < stable
        return Chunk(self.topic, self.partition, records, reached, more) if reached > position else None

    def expire(self, before: int, *, now: int) -> None:
        """Drop the records appended before an instant (ms since 1970), and move the start up.

        A record with a time stamp later than ``now`` has no known age: it is dropped with the next one of known age.
        """
        stable = self.stable
        kept = next((one.offset for one in self._records if before <= one.appended_at <= now), stable)
        gone = [one.offset for one in self._records if one.appended_at < before and one.offset < min(kept, stable)]
        if gone:
            left = (one.offset for one in self._records if one.offset > gone[-1])
            self.start = max(self.start, min(next(left, stable), stable))
        del self._records[: self._index(self.start)]

    def compact(self, *, deletes_before: int) -> None:
        """Keep the last decided record of each key, and tombstones only if appended at ``deletes_before`` or later."""
        decided = self._index(self.stable)
        last = {one.key: one.offset for one in self._records[:decided]}
        self._records[:decided] = [
            one
            for one in self._records[:decided]
            if last[one.key] == one.offset and (one.value is not None or one.appended_at >= deletes_before)
        ]

    def _add(self, records: Sequence[Record], *, at: int) -> Appended:
        self._last_at = append_time(at, self._last_at)
        first = self.end
        self._records.extend(
            StoredRecord(offset, self._last_at, record.key, record.value, record.headers)
            for offset, record in enumerate(records, first)
        )
        self.end += len(records)
        return Appended(first, self.end - 1)

    def _index(self, offset: int) -> int:
        return bisect_left(self._records, offset, key=_OFFSET)


Spans = list[tuple[MemoryStream, Appended]]


class Store:
    """A log's content. Several ``MemoryLog`` on one store simulate several processes on one log."""

    def __init__(self) -> None:
        self.identity: str | None = None
        self.topics: dict[str, Topic] = {}
        self._streams: dict[str, list[MemoryStream]] = {}
        self._epochs: dict[tuple[str, int], int] = {}
        self._open: dict[tuple[str, int], list[Spans]] = {}
        self.moved = Signal()
        """Of each change of the readable records."""

    def create(self, topics: Iterable[Topic], partitions: int) -> None:
        """Add missing topics and the identity."""
        if self.identity is None:
            self.identity = str(uuid.uuid4())
        for topic in topics:
            if topic.name not in self.topics:
                self.topics[topic.name] = topic
                self._streams[topic.name] = [MemoryStream(topic.name, partition) for partition in range(partitions)]

    def streams(self, topic: str) -> Sequence[MemoryStream]:
        """A topic's partitions. Raises TopicError."""
        stream_of(self._streams, topic, 0)
        return self._streams[topic]

    def stream(self, topic: str, partition: int) -> MemoryStream:
        """One partition of a topic. Raises TopicError."""
        return stream_of(self._streams, topic, partition)

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

    def write(
        self, groups: Iterable[tuple[MemoryStream, Sequence[Record]]], *, at: int
    ) -> list[tuple[MemoryStream, Appended]]:
        """Write the records of each stream: atomic for readers, because nothing here awaits."""
        spans = [(stream, stream.write(records, at=at)) for stream, records in groups]
        self.moved.give()
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

    def share_out(self, outputs: Sequence[Output]) -> list[tuple[MemoryStream, list[Record]]]:
        """The outputs per stream, in their order. Raises TopicError."""
        return [(self.stream(*key), records) for key, records in by_partition(outputs).items()]

    def _settle(self, spans: Spans, *, commit: bool) -> None:
        for stream, span in spans:
            stream.settle(span, commit=commit)
        self.moved.give()
