"""Common parts of the log's implementations: bounds of an append, topics and positions, owners, membership."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from gateway.errors import LogError, LogUnavailableError, PositionLostError, TopicError
from gateway.log.port import Output
from gateway.protocol.record import Record
from gateway.protocol.topic import Topic

MAX_RECORDS = 1_000
MAX_BYTES = 1_048_576
NO_IDENTITY = "The log has no identity yet: run `passerelle topics create`."

Stream = TypeVar("Stream")

Commit: TypeAlias = Callable[[Sequence[Output]], Awaitable[Mapping[tuple[str, int], int]]]
"""Writes outputs atomically, as ``Owner.commit``."""
End: TypeAlias = Callable[[str, int], Awaitable[int]]
"""The end offset of a partition, as ``Owner.end``."""


def check_bounds(records: Sequence[Record]) -> int:
    """The bytes of an append. Raises ValueError for one that is empty or larger than the port allows."""
    size = size_of(records)
    if not 1 <= len(records) <= MAX_RECORDS or size > MAX_BYTES:
        raise ValueError(
            f"append takes 1 to {MAX_RECORDS} records and at most {MAX_BYTES} bytes, not {len(records)} and {size}"
        )
    return size


def size_of(records: Sequence[Record]) -> int:
    """The bytes of keys, values and headers."""
    size = 0
    for record in records:
        if record.key is not None:
            size += len(record.key)
        if record.value is not None:
            size += len(record.value)
        for name, value in record.headers:
            size += len(name.encode()) + len(value)
    return size


def by_partition(outputs: Sequence[Output]) -> dict[tuple[str, int], list[Record]]:
    """The records of each (topic, partition), in their order."""
    parts: dict[tuple[str, int], list[Record]] = {}
    for output in outputs:
        parts.setdefault((output.topic, output.partition), []).append(output.record)
    return parts


def missing_topic(name: str) -> str:
    """The finding on a topic that does not exist."""
    return f"The topic {name} does not exist: run `passerelle topics create`."


def policy_findings(topics: Iterable[Topic], policies: Mapping[str, str]) -> list[str]:
    """One sentence per topic that is missing or has another policy; ``policies`` are those that the log has."""
    findings = []
    for topic in topics:
        found = policies.get(topic.name)
        if found is None:
            findings.append(missing_topic(topic.name))
        elif found != topic.policy:
            findings.append(f"The topic {topic.name} has the policy {found}, not {topic.policy}: use another log.")
    return findings


def stream_of(streams: Mapping[str, Sequence[Stream]], topic: str, partition: int) -> Stream:
    """One partition of a topic. Raises TopicError."""
    found = streams.get(topic)
    if found is None:
        raise TopicError(missing_topic(topic))
    if not 0 <= partition < len(found):
        raise TopicError(f"The topic {topic} has {len(found)} partitions, there is no partition {partition}.")
    return found[partition]


def require_held(position: int, topic: str, partition: int, *, start: int, end: int) -> None:
    """Raises PositionLostError for a position outside the range that the log holds."""
    if not start <= position <= end:
        raise PositionLostError(
            f"Position {position} of {topic}/{partition} is outside {start} to {end}, which is what the log holds: "
            "rebuild from the start."
        )


class SpentOwner:
    """An owner that is spent after its first failed commit: from then on it raises the same error."""

    def __init__(self, commit: Commit, end: End) -> None:
        self._commit = commit
        self._end = end
        self._failure: LogError | None = None

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Write all outputs, or none."""
        self._check()
        try:
            return await self._commit(outputs)
        except LogError as failure:
            self._failure = failure
            raise

    async def end(self, topic: str, partition: int) -> int:
        """The end offset of a partition."""
        self._check()
        return await self._end(topic, partition)

    async def close(self) -> None:
        """Release the partition: no further commit is possible."""
        self._failure = LogUnavailableError("This owner has been closed.")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure


class SingleMembership:
    """A permanent assignment of all partitions: such a log is meant for one process. Two would fence each other."""

    def __init__(self, partitions: int) -> None:
        self._assignment = frozenset(range(partitions))
        self._returned = False

    async def changed(self) -> frozenset[int]:
        """All partitions at the first call; later calls never return."""
        if self._returned:
            await asyncio.Event().wait()
        self._returned = True
        return self._assignment

    async def close(self) -> None:
        """Nothing to leave: the group has no other member."""
