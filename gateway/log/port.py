"""The log's port: the interface of a durable, partitioned log. Its errors are in ``gateway.errors``.

One contract-test class (``tests/log/contract``) runs against each implementation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import Topic
from gateway.protocol.value import value


@dataclass(frozen=True, slots=True)
class Appended:
    """The offsets of an appended batch: ``first`` to ``last``, both included."""

    first: int
    last: int


@value(frozen=True, slots=True)
class Output:
    """One record of an owner's commit, with its target topic and partition."""

    topic: str
    partition: int
    record: Record


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition in offset order, as a reader returns them. ``position`` is the next offset to read. It
    may exceed the last record's offset + 1, and a chunk may be empty, because offsets have gaps (commits, aborts,
    compaction). ``more``: whether the partition ended later when it was read.
    """

    topic: str
    partition: int
    records: Sequence[StoredRecord]
    position: int
    more: bool = False


class LogReader(Protocol):
    """Reads committed records of some partitions from given positions."""

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """Up to ``limit`` records over all partitions; waits at most ``wait`` seconds for the first. Returns chunks
        only for partitions whose position moved. Raises PositionLostError, LogUnavailableError.
        """

    async def close(self) -> None:
        """Release the reader's resources."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Owner(Protocol):
    """The exclusive writer of one role's outputs on one partition, until a newer owner fences it."""

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Write all outputs atomically: readers see all of them or none. Returns the next offset after them per
        (topic, partition). Raises FencedError; UnknownOutcomeError when the commit may still take effect: this owner is
        then spent, so take the partition again and rebuild; LogUnavailableError when certainly nothing was committed
        (the owner is spent as well).
        """

    async def end(self, topic: str, partition: int) -> int:
        """The end offset of a partition of any topic. Every record committed by now, also by former owners, has a lower
        offset. ``EventLog.ends`` does not guarantee that: a former leader without the current leader epoch may answer
        it. Raises as ``commit``.
        """

    async def close(self) -> None:
        """Release the partition; bounded in time even when the log does not answer."""


class Membership(Protocol):
    """This process's membership of a consumer group, with its assignment."""

    async def changed(self) -> frozenset[int]:
        """The assigned partitions, once they differ from those last returned; the first call returns the first."""

    async def close(self) -> None:
        """Leave the group, so that its partitions are reassigned at once."""


class EventLog(Protocol):
    """The durable, partitioned log. Topic names are the short ones of ``gateway.protocol.topic``.

    Offsets grow within a partition but have gaps. Time stamps are the log's own append times. Compacted topics keep
    at least the last record of each key.
    """

    @property
    def partitions(self) -> int:
        """The partition count of every topic keyed by offer id; fixed for the log's life."""

    async def identity(self) -> str:
        """The UUID that ``create_topics`` gave this log. Raises TopicError where there is none."""

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """Create missing topics and the log's identity. Never changes an existing topic."""

    async def check_topics(self, topics: Iterable[Topic]) -> Sequence[str]:
        """Deviations from the required configuration, one sentence each with the remedy; empty without any."""

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        """Write a batch durably (acks=all, or synced to disk), in order and atomically.

        At most 1,000 records and 1 MiB in one call. Concurrent calls are grouped into one write. Raises
        LogBusyError, LogUnavailableError, UnknownOutcomeError.
        """

    def reader(self, positions: Mapping[tuple[str, int], int]) -> LogReader:
        """A reader that starts at the given offset of each (topic, partition)."""

    async def starts(self, topic: str) -> tuple[int, ...]:
        """Per partition the first offset that the log still holds."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        """Per partition the offset up to which committed records can be read now (the last stable offset). An open
        transaction holds it back.
        """

    async def own(self, role: str, partition: int) -> Owner:
        """Take a partition for a role (``relay``, ``intake.bretagne`` …). The former owner is fenced and its open
        transaction is aborted.
        """

    async def join(self, group: str, topic: str) -> Membership:
        """Join a consumer group that shares the partitions of a topic; each partition has one member at a time."""

    async def close(self) -> None:
        """Write queued records, then close."""
