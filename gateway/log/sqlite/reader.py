"""The reader of the embedded log."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from gateway.errors import LogError, PositionLostError
from gateway.log.port import Chunk, Reader
from gateway.log.sqlite.file import read_records
from gateway.log.sqlite.stream import Stream
from gateway.log.sqlite.watch import Watch

Answer = TypeVar("Answer")


class Query(Protocol):
    """Runs a query on the file, in a reader thread."""

    def __call__(self, query: Callable[[sqlite3.Connection], Answer]) -> Awaitable[Answer]:
        """The result of the query."""


class SqliteReader(Reader):
    """Reads some streams from given positions, in rotation, so that none starves."""

    def __init__(
        self,
        positions: Mapping[tuple[str, int], int],
        *,
        find: Callable[[str, int], Stream],
        watch: Watch,
        query: Query,
        failed: Callable[[sqlite3.Error], LogError],
    ) -> None:
        self._positions = {find(topic, partition): at for (topic, partition), at in positions.items()}
        self._watch = watch
        self._query = query
        self._failed = failed

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """Records from the positions on, or those that arrive within ``wait`` seconds. Raises PositionLostError."""
        self._check()
        chunks = await self._read(limit)
        if not chunks and wait > 0 and not self._grown():
            await self._watch.grown([stream.number for stream in self._positions], wait)
            chunks = await self._read(limit)
        return chunks

    async def close(self) -> None:
        """Nothing to release."""

    def _check(self) -> None:
        try:
            self._watch.check()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _grown(self) -> bool:
        return any(self._watch.end(stream.number) > at for stream, at in self._positions.items())

    async def _read(self, limit: int) -> list[Chunk]:
        wanted = [(s, at) for s, at in self._positions.items() if self._watch.end(s.number) != at]
        if not wanted:
            return []

        def query(connection: sqlite3.Connection) -> list[Chunk]:
            return _read_streams(connection, wanted, limit)

        chunks = await self._query(query)
        streams = {(stream.topic, stream.partition): stream for stream, _ in wanted}
        for chunk in chunks:
            stream = streams[chunk.topic, chunk.partition]
            del self._positions[stream]
            self._positions[stream] = chunk.position
        return chunks


def _read_streams(connection: sqlite3.Connection, wanted: Sequence[tuple[Stream, int]], limit: int) -> list[Chunk]:
    chunks = []
    for stream, position in wanted:
        page = read_records(connection, stream, position, limit)
        if not page.start <= position <= page.end:
            raise PositionLostError(
                f"Position {position} of {stream.topic}/{stream.partition} is outside {page.start} to {page.end}, "
                "which is what the log holds: rebuild from the start."
            )
        if page.reached > position:
            chunks.append(Chunk(stream.topic, stream.partition, page.records, page.reached))
            limit -= len(page.records)
        if limit == 0:
            break
    return chunks
