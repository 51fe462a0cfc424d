"""The tables of the partitions that other processes relay, kept near the end of ``offers``.

A takeover reads the rest of ``offers`` before it decides anything: a million offers take most of a minute, the last few
seconds of them no time.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from gateway.errors import LogError
from gateway.log.port import Chunk, EventLog
from gateway.log.reading import read_all
from gateway.protocol.record import read_known
from gateway.protocol.submission import Known
from gateway.protocol.topic import OFFERS
from gateway.runtime.loop import OneThread, stop
from gateway.store.relay_state import RelayState

_AT_ONCE = 2_000
_EVERY_SECONDS = 2.0
_AFTER_FAILURE_SECONDS = 15.0

_log = structlog.get_logger()


async def catch_up(
    log: EventLog, partition: int, *, end: int, state: RelayState, thread: OneThread, rests: float = 0.0
) -> None:
    """Apply ``offers`` up to an offset, and commit each chunk. A state beyond ``end`` belongs to another log and is
    cleared. ``rests`` is the time to rest after each chunk, as a multiple of the time that it took.
    """

    def start() -> int:
        if state.position > end:
            state.clear()
        return state.position

    at = await thread.call(start)
    if at == end:
        return
    clock = asyncio.get_running_loop().time
    async with read_all(log, OFFERS, limit=_AT_ONCE, starts={partition: at}, ends={partition: end}) as chunks:
        async for chunk in chunks:
            began = clock()
            await thread.call(_apply, state, chunk)
            if rests:
                await asyncio.sleep((clock() - began) * rests)


def _apply(state: RelayState, chunk: Chunk) -> None:
    changes: dict[str, Known | None] = {}
    for record in chunk.records:
        if record.key is None:
            raise ValueError(f"a record of offers without a key at {chunk.partition}/{record.offset}")
        changes[record.key.decode()] = None if record.value is None else read_known(record.value)
    state.apply(changes, position=chunk.position)


class Standby:
    """Follows ``offers`` for each partition that is not assigned to this process, in a task of its own.

    ``open_state`` opens the table of a partition, which is used in ``thread`` only. A table has one user: a partition's
    relay works within ``owned``.
    """

    def __init__(self, log: EventLog, *, thread: OneThread, open_state: Callable[[int], Awaitable[RelayState]]) -> None:
        self._log = log
        self._thread = thread
        self._open_state = open_state
        self._tables: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def assigned(self, assignment: frozenset[int]) -> None:
        """Follow all partitions but these."""
        for partition in set(range(self._log.partitions)) - assignment - self._tasks.keys():
            self._tasks[partition] = asyncio.create_task(self._follow(partition))

    @asynccontextmanager
    async def owned(self, partition: int) -> AsyncIterator[None]:
        """Leave the table of a partition to its relay."""
        await self._end([partition])
        async with self._tables[partition]:
            yield

    async def close(self) -> None:
        """End all tasks, and close their tables."""
        await self._end(list(self._tasks))

    async def _end(self, partitions: Sequence[int]) -> None:
        await stop([task for partition in partitions if (task := self._tasks.pop(partition, None)) is not None])

    async def _follow(self, partition: int) -> None:
        async with self._tables[partition]:
            while True:
                try:
                    await self._keep_up(partition)
                except LogError as error:  # the takeover reads what is missing
                    _log.warning("relay.standby_postponed", partition=partition, error=str(error))
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    async def _keep_up(self, partition: int) -> None:
        """Follow until an error. Raises LogError."""
        state = await self._open_state(partition)
        try:
            while True:
                await self._thread.call(state.mend)
                with state.guarded():
                    end = (await self._log.ends(OFFERS))[partition]
                    await catch_up(self._log, partition, end=end, state=state, thread=self._thread, rests=1.0)
                await asyncio.sleep(_EVERY_SECONDS)
        finally:
            await self._thread.call(state.close)
