"""A log whose input topics are a recording, and whose other topics begin empty; it keeps its owners' commits."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from gateway.log.common import SingleMembership
from gateway.log.port import (
    Appended,
    Chunk,
    LogReader,
    Output,
)
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import Topic
from tests.recordings.recording import Topics


class ReplayLog:
    """An ``EventLog`` of one process. ``inputs`` are read with their recorded offsets and append times."""

    def __init__(self, inputs: Topics, *, partitions: int) -> None:
        self._partitions = partitions
        self._kept: dict[tuple[str, int], list[StoredRecord]] = {
            (topic, partition): list(records)
            for topic, every in inputs.items()
            for partition, records in enumerate(every)
        }
        self.written: dict[tuple[str, int], list[Record]] = {}

    @property
    def partitions(self) -> int:
        return self._partitions

    async def identity(self) -> str:
        return "00000000-0000-0000-0000-000000000000"

    async def create_topics(self, topics: Iterable[Topic]) -> None:
        """All topics are there."""

    async def check_topics(self, topics: Iterable[Topic]) -> Sequence[str]:  # noqa: ARG002
        return ()

    async def append(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        return self._write(topic, partition, records)

    def reader(self, positions: Mapping[tuple[str, int], int]) -> "_ReplayReader":
        return _ReplayReader(self, dict(positions))

    async def starts(self, topic: str) -> tuple[int, ...]:  # noqa: ARG002
        return (0,) * self._partitions

    async def ends(self, topic: str) -> tuple[int, ...]:
        return tuple(self.end(topic, partition) for partition in range(self._partitions))

    async def own(self, role: str, partition: int) -> "_ReplayOwner":  # noqa: ARG002
        return _ReplayOwner(self)

    async def join(self, group: str, topic: str) -> SingleMembership:  # noqa: ARG002
        return SingleMembership(self._partitions)

    async def close(self) -> None:
        """Nothing to close."""

    def end(self, topic: str, partition: int) -> int:
        kept = self._kept.get((topic, partition))
        return kept[-1].offset + 1 if kept else 0

    def read(self, topic: str, partition: int, position: int, limit: int) -> Chunk | None:
        kept = self._kept.get((topic, partition), [])
        found = [one for one in kept if one.offset >= position][:limit]
        return Chunk(topic, partition, found, found[-1].offset + 1) if found else None

    def _write(self, topic: str, partition: int, records: Sequence[Record]) -> Appended:
        self.written.setdefault((topic, partition), []).extend(records)
        kept = self._kept.setdefault((topic, partition), [])
        first = self.end(topic, partition)
        kept.extend(
            StoredRecord(offset, 0, one.key, one.value, one.headers) for offset, one in enumerate(records, first)
        )
        return Appended(first, first + len(records) - 1)


class _ReplayOwner:
    def __init__(self, log: ReplayLog) -> None:
        self._log = log

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        for one in outputs:
            self._log._write(one.topic, one.partition, [one.record])
        await asyncio.sleep(0)
        return {(one.topic, one.partition): self._log.end(one.topic, one.partition) for one in outputs}

    async def end(self, topic: str, partition: int) -> int:
        return self._log.end(topic, partition)

    async def close(self) -> None:
        """Nothing to close."""


class _ReplayReader(LogReader):
    def __init__(self, log: ReplayLog, positions: dict[tuple[str, int], int]) -> None:
        self._log = log
        self._positions = positions

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        chunks = [
            chunk
            for (topic, partition), at in self._positions.items()
            if (chunk := self._log.read(topic, partition, at, limit)) is not None
        ]
        for chunk in chunks:
            self._positions[chunk.topic, chunk.partition] = chunk.position
        await asyncio.sleep(0 if chunks else min(wait, 0.01))
        return chunks

    async def close(self) -> None:
        """Nothing to close."""
