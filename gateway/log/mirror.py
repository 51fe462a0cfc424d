"""Topic mirror: a topic folded into a value in memory, kept current by one reader."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Generic, Self, TypeAlias, TypeVar

import structlog

from gateway.errors import PositionLostError
from gateway.log.port import Chunk, EventLog, LogReader
from gateway.log.reading import read_all
from gateway.protocol.record import StoredRecord
from gateway.runtime.loop import Signal

State = TypeVar("State")
Fold: TypeAlias = Callable[[State, Sequence[StoredRecord]], State]
"""The state after the next records of one partition, in offset order. It returns a new state, unless the state may
be applied to again from any earlier record (the table of claims).
"""

_PAGE = 5_000
_WAIT_SECONDS = 1.0

_log = structlog.get_logger()


async def fold_topic(
    log: EventLog,
    topic: str,
    fold: Fold[State],
    state: State,
    *,
    starts: Mapping[int, int] | None = None,
    ends: Mapping[int, int] | None = None,
) -> State:
    """The state after all records of a topic, up to its current ends. Raises LogError."""
    return (await _fold_from(log, topic, fold, state, starts, ends))[0]


async def _fold_from(
    log: EventLog,
    topic: str,
    fold: Fold[State],
    state: State,
    starts: Mapping[int, int] | None,
    ends: Mapping[int, int] | None,
) -> tuple[State, dict[int, int]]:
    positions: dict[int, int] = {}
    async with read_all(log, topic, limit=_PAGE, starts=starts, ends=ends) as chunks:
        async for chunk in chunks:
            state = fold(state, chunk.records)
            positions[chunk.partition] = chunk.position
    return state, positions


class TopicMirror(Generic[State]):
    """The state of a topic, or of some of its partitions.

    ``run`` keeps it current; without it, ``catch_up`` reads once, which suffices for a command. All callers share one
    reader. A position that the log no longer holds rebuilds the state from the topic's start: the old state remains
    until the new one is complete, and ``caught_up`` is False meanwhile. ``rest`` is the pause of ``run`` after records.
    """

    def __init__(
        self,
        log: EventLog,
        topic: str,
        *,
        fold: Fold[State],
        empty: State,
        partitions: Sequence[int] | None = None,
        rest: float = 0.0,
        page: int = _PAGE,
    ) -> None:
        self._log = log
        self._topic = topic
        self._fold = fold
        self._empty = empty
        self._partitions = partitions
        self._rest = rest
        self._page = page
        self._positions: dict[int, int] = {}
        self._reader: LogReader | None = None
        self._reading = asyncio.Lock()
        self._moved = Signal()
        self._recordings: list[tuple[bytes, list[bytes | None]]] = []
        self.state = empty
        self.caught_up = False

    async def run(self) -> None:
        """Follow the topic until cancelled. Raises LogError; a later call continues at the same positions."""
        try:
            await self.catch_up()
            while True:
                if await self.poll():
                    await asyncio.sleep(self._rest)
        finally:
            await self.close()

    async def catch_up(self) -> None:
        """Read up to the topic's current ends."""
        await self.advance(self._own(await self._log.ends(self._topic)))
        self.caught_up = True

    async def advance(self, targets: Mapping[int, int]) -> None:
        """Read until every partition of ``targets`` has reached its offset."""
        while not self._reached(targets):
            async with self._reading:
                await self._begin()
                if not self._reached(targets):
                    await self._read()

    async def poll(self) -> bool:
        """Read the next records, waiting at most a second for the first; False when there are none."""
        async with self._reading:
            await self._begin()
            return await self._read()

    async def wait_for(self, condition: Callable[[State], bool], *, seconds: float) -> bool:
        """Wait until the state meets a condition; False when time is up first. Another task runs the mirror."""
        return await self._moved.until(lambda: condition(self.state), seconds)

    @contextmanager
    def recording(self, key: bytes) -> Iterator[Sequence[bytes | None]]:
        """A list that receives the value of each record of a key that is read inside the block."""
        entry: tuple[bytes, list[bytes | None]] = (key, [])
        self._recordings.append(entry)
        try:
            yield entry[1]
        finally:
            self._recordings = [one for one in self._recordings if one is not entry]

    @asynccontextmanager
    async def caught_up_once(self) -> AsyncIterator[Self]:
        """This mirror, read up to the topic's current ends and closed after the block."""
        try:
            await self.catch_up()
            yield self
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the reader. A later call opens another one at the same positions."""
        async with self._reading:
            await self._drop_reader()

    def _own(self, offsets: Sequence[int]) -> dict[int, int]:
        """Offsets by partition, for the partitions of this mirror."""
        return {
            partition: offset
            for partition, offset in enumerate(offsets)
            if self._partitions is None or partition in self._partitions
        }

    def _reached(self, targets: Mapping[int, int]) -> bool:
        return all(self._positions.get(partition, -1) >= target for partition, target in targets.items())

    async def _begin(self) -> None:
        if not self._positions:
            self._positions = self._own(await self._log.starts(self._topic))

    async def _read(self) -> bool:
        if self._reader is None:
            self._reader = self._log.reader({(self._topic, p): at for p, at in self._positions.items()})
        try:
            chunks = await self._reader.poll(limit=self._page, wait=_WAIT_SECONDS)
            for chunk in chunks:
                self._take(chunk)
        except PositionLostError as error:
            _log.warning("mirror.rebuilt", topic=self._topic, error=str(error))
            await self._drop_reader()
            await self._rebuild()
            chunks = ()
        except Exception:
            # The reader's position may be past records that the state does not have.
            await self._drop_reader()
            raise
        self._moved.give()
        return bool(chunks)

    def _take(self, chunk: Chunk) -> None:
        self.state = self._fold(self.state, chunk.records)
        self._positions[chunk.partition] = chunk.position
        for key, values in self._recordings:
            values.extend(record.value for record in chunk.records if record.key == key)

    async def _rebuild(self) -> None:
        self.caught_up = False
        starts = self._own(await self._log.starts(self._topic))
        ends = self._own(await self._log.ends(self._topic))
        self.state, read = await _fold_from(self._log, self._topic, self._fold, self._empty, starts, ends)
        self._positions = starts | read
        self.caught_up = True

    async def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()
