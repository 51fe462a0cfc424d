"""The reader of the embedded log, and the watch that wakes it when this or another process has appended."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from gateway.errors import LogError
from gateway.log.common import require_held
from gateway.log.port import Chunk, LogReader
from gateway.log.sqlite.file import READ_BYTES, read_records
from gateway.log.sqlite.stream import Stream
from gateway.runtime.loop import stop

LOOK_SECONDS = 0.01
_NEAR = 200
"""Records. So few that were just appended are read without a thread: their pages are in memory."""
NEAR_BYTES = 1_048_576

Result = TypeVar("Result")


class EndWatch:
    """Tracks the end of every stream: own commits are seen at once, those of other processes at a look each ``every``
    seconds. It reads the ends once for all readers of the process.
    """

    def __init__(self, connection: sqlite3.Connection, *, every: float = LOOK_SECONDS) -> None:
        self._every = every
        self._connection = connection
        self._ends: dict[int, int] = {}
        self._waiters: dict[int, set[asyncio.Event]] = {}
        self._version = 0
        self._task: asyncio.Task[None] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read the ends, and wake the waiters of each stream that has grown."""
        for number, end in self._connection.execute("SELECT id, next FROM stream").fetchall():
            if self._ends.get(number) != end:
                self._note(number, end)

    def notice(self, ends: Mapping[int, int] | None) -> None:
        """Note the ends that a commit of this process has moved; None: read them. A file that cannot be read fails at
        the next ``check``.
        """
        if ends is None:
            with suppress(sqlite3.Error):
                self.refresh()
            return
        for number, end in ends.items():
            if end > self._ends.get(number, 0):
                self._note(number, end)

    def check(self) -> None:
        """Read the ends if another connection has committed since the last check. Raises sqlite3.Error."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self.refresh()

    def _note(self, number: int, end: int) -> None:
        self._ends[number] = end
        for event in self._waiters.get(number, ()):
            event.set()

    def end(self, number: int) -> int:
        """The end of a stream as last seen."""
        return self._ends.get(number, 0)

    async def grown(self, numbers: Collection[int], wait: float) -> bool:
        """Wait until one of these streams has grown since the last check; False after ``wait`` seconds."""
        event = asyncio.Event()
        for number in numbers:
            self._waiters.setdefault(number, set()).add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(wait):
                await event.wait()
        except TimeoutError:
            return False
        else:
            return True
        finally:
            for number in numbers:
                self._waiters[number].discard(event)

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            await stop([self._task])
        self._connection.close()

    async def _watch(self) -> None:
        """Check while there are waiters: another process's commit changes the version that this connection sees."""
        while any(self._waiters.values()):
            with suppress(sqlite3.Error):  # each waiting reader checks again before it reads
                self.check()
            await asyncio.sleep(self._every)


class FileQuery(Protocol):
    """Runs a query on the file, in a reader thread."""

    def __call__(self, query: Callable[[sqlite3.Connection], Result]) -> Awaitable[Result]:
        """The result of the query."""


class SqliteReader(LogReader):
    """Reads some streams from given positions, in rotation, so that none starves. ``connection`` is that of the event
    loop's thread; ``query`` uses others.
    """

    def __init__(
        self,
        positions: Mapping[tuple[str, int], int],
        *,
        find: Callable[[str, int], Stream],
        watch: EndWatch,
        query: FileQuery,
        connection: Callable[[], sqlite3.Connection],
        failed: Callable[[sqlite3.Error], LogError],
    ) -> None:
        self._positions = {find(topic, partition): at for (topic, partition), at in positions.items()}
        self._watch = watch
        self._query = query
        self._connection = connection
        self._failed = failed

    async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
        """Records from the positions on, or those that arrive within ``wait`` seconds. Raises PositionLostError."""
        if wait <= 0:
            self._check()
        chunks = await self._read(limit)
        if not chunks and wait > 0 and not self._grown():
            if not await self._watch.grown([stream.number for stream in self._positions], wait):
                self._check()  # raises what the watch has kept quiet about
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

        if sum(self._watch.end(stream.number) - at for stream, at in wanted) > _NEAR:
            chunks = await self._query(query)
        else:
            chunks = self._read_here(wanted, limit)
        streams = {(stream.topic, stream.partition): stream for stream, _ in wanted}
        for chunk in chunks:
            stream = streams[chunk.topic, chunk.partition]
            del self._positions[stream]
            self._positions[stream] = chunk.position
        return chunks

    def _read_here(self, wanted: Sequence[tuple[Stream, int]], limit: int) -> list[Chunk]:
        try:
            return _read_streams(self._connection(), wanted, limit, max_bytes=NEAR_BYTES)
        except sqlite3.Error as error:
            raise self._failed(error) from error


def _read_streams(
    connection: sqlite3.Connection,
    wanted: Sequence[tuple[Stream, int]],
    limit: int,
    *,
    max_bytes: int = READ_BYTES,
) -> list[Chunk]:
    chunks = []
    for stream, position in wanted:
        page = read_records(connection, stream, position, limit, max_bytes=max_bytes)
        require_held(position, stream.topic, stream.partition, start=page.start, end=page.end)
        if page.reached > position:
            more = page.reached < page.end
            chunks.append(Chunk(stream.topic, stream.partition, page.records, page.reached, more))
            limit -= len(page.records)
        if limit == 0:
            break
    return chunks
