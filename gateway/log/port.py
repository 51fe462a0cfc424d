"""The log's port: what the gateway needs of a durable, partitioned log. Its errors are in ``gateway.errors``.

One contract-test class (``tests/contract``) holds each implementation to it.
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
    """Where a batch came to lie: offsets ``first`` to ``last``, both included."""

    first: int
    last: int


@value(frozen=True, slots=True)
class Output:
    """One record of an owner's commit and where it goes."""

    topic: str
    partition: int
    record: Record


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a reader got from one partition, in offset order. ``position`` is the next offset to read: it may lie beyond
    the last record + 1, and a chunk may be empty, because offsets have gaps (commits, aborts, compaction).
    """

    topic: str
    partition: int
    records: Sequence[StoredRecord]
    position: int


class Reader(Protocol):
    """Reads some partitions from given positions, committed records only."""

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """Up to ``limit`` records over all partitions; waits at most ``wait`` seconds for the first. Chunks only for
        partitions that moved. Raises PositionLostError, LogUnavailableError.
        """

    async def close(self) -> None:
        """Free what the reader holds."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Owner(Protocol):
    """The only one who may write the outputs of one role on one partition, until another takes it."""

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Write all outputs, or none: readers see them together. Returns the next offset after them per
        (topic, partition). Raises FencedError; UnknownOutcomeError when it may yet be committed: then this owner is
        spent, take the partition anew and rebuild; LogUnavailableError when it certainly was not (also spent).
        """

    async def end(self, topic: str, partition: int) -> int:
        """The end of a partition of any topic: all that was committed by now, by former owners too, lies before.
        ``EventLog.ends`` may be told by a broker that led once and does not know yet that others do. Raises as
        ``commit``.
        """

    async def close(self) -> None:
        """Let go; bounded in time even when the log does not answer."""


class Membership(Protocol):
    """This process's share of a group's partitions."""

    async def changed(self) -> frozenset[int]:
        """The share, once it differs from the one last returned; the first call returns the first share."""

    async def close(self) -> None:
        """Leave the group, so that others take over at once."""


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
        """Create what is missing, and the log's identity. Never changes an existing topic."""

    async def check_topics(self, topics: Iterable[Topic]) -> Sequence[str]:
        """What is not as it must be, one sentence per finding, each naming the next step; empty when all is well."""

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        """Write a batch durably (acks=all, or synced to disk) and in order: all of it, or none.

        At most 1,000 records and 1 MiB in one call. Calls made together are grouped into one write. Raises
        LogBusyError, LogUnavailableError, UnknownOutcomeError.
        """

    def reader(self, positions: Mapping[tuple[str, int], int]) -> Reader:
        """A reader that starts at the given offset of each (topic, partition)."""

    async def starts(self, topic: str) -> tuple[int, ...]:
        """Per partition the first offset that the log still holds."""

    async def ends(self, topic: str) -> tuple[int, ...]:
        """Per partition the offset up to which committed records can be read now (the last stable offset). An open
        transaction holds it back.
        """

    async def own(self, role: str, partition: int) -> Owner:
        """Take a partition for a role (``relay``, ``intake.bretagne`` …). Whoever had it is fenced from now on, and
        what it left open is aborted.
        """

    async def join(self, group: str, topic: str) -> Membership:
        """Share the partitions of a topic with the other members of the group; each has one member at a time."""

    async def close(self) -> None:
        """Write out what is queued, then let go."""
