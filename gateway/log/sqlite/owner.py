"""Owners of partitions of the embedded log."""

import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from gateway.clock import Clock
from gateway.errors import FencedError, LogError, LogUnavailableError
from gateway.log.common import size_of
from gateway.log.port import Output
from gateway.log.sqlite.file import write_records
from gateway.log.sqlite.stream import Stream
from gateway.protocol.record import Record

Answer = TypeVar("Answer")


class Write(Protocol):
    """Submits work to the log's writer."""

    def __call__(
        self, work: Callable[[sqlite3.Connection], Answer], *, size: int = 0, bounded: bool = True
    ) -> Awaitable[Answer]:
        """The result, once it is synced to disk. ``size`` and ``bounded`` are those of ``Writer.do``."""


def take(connection: sqlite3.Connection, role: str, partition: int) -> int:
    """A new owner's epoch, which fences the owners with older ones."""
    (epoch,) = connection.execute(
        "INSERT INTO owner VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        (role, partition),
    ).fetchone()
    return int(epoch)


class SqliteOwner:
    """Writes the outputs of one role on one partition; spent after its first failed commit."""

    def __init__(
        self,
        role: str,
        partition: int,
        epoch: int,
        *,
        write: Write,
        find: Callable[[str, int], Stream],
        ends: Callable[[str], Awaitable[Sequence[int]]],
        clock: Clock,
    ) -> None:
        self._role = role
        self._partition = partition
        self._epoch = epoch
        self._submit = write
        self._find = find
        self._ends = ends
        self._clock = clock
        self._failure: LogError | None = None

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """Write all outputs in one transaction, or none. Raises the same error again once it has failed."""
        if self._failure is not None:
            raise self._failure
        by_partition: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        for output in outputs:
            by_partition[output.topic, output.partition].append(output.record)
        by_stream = {self._find(*key): records for key, records in by_partition.items()}
        try:
            size = sum(map(size_of, by_stream.values()))
            return await self._submit(lambda connection: self._write(connection, by_stream), size=size, bounded=False)
        except LogError as failure:
            self._failure = failure
            raise

    async def end(self, topic: str, partition: int) -> int:
        """The end offset of a partition. After a failed commit, raises the same error again."""
        if self._failure is not None:
            raise self._failure
        return (await self._ends(topic))[partition]

    async def close(self) -> None:
        """Release the partition: no further commit is possible."""
        self._failure = LogUnavailableError("This owner has been closed.")

    def _write(
        self, connection: sqlite3.Connection, by_stream: Mapping[Stream, Sequence[Record]]
    ) -> Mapping[tuple[str, int], int]:
        row = connection.execute(
            "SELECT epoch FROM owner WHERE role = ? AND partition = ?", (self._role, self._partition)
        ).fetchone()
        if row != (self._epoch,):
            raise FencedError(f"Another owner has taken {self._role} of partition {self._partition}.")
        at = self._clock()
        return {
            (stream.topic, stream.partition): write_records(connection, stream, records, at=at)[1] + 2
            for stream, records in by_stream.items()
        }
