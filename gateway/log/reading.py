"""Read a topic up to given end offsets; fail if the log stalls."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from gateway.errors import LogUnavailableError
from gateway.log.port import Chunk, EventLog
from gateway.protocol.record import StoredRecord

_SILENT_SECONDS = 30.0
_PAGE = 2_000


@asynccontextmanager
async def read_all(
    log: EventLog,
    topic: str,
    *,
    limit: int,
    starts: Mapping[int, int] | None = None,
    ends: Mapping[int, int] | None = None,
    silent_seconds: float = _SILENT_SECONDS,
) -> AsyncIterator[AsyncIterator[Chunk]]:
    """The chunks of a topic, until every partition has reached its end; the last chunks may go beyond it.

    ``starts`` and ``ends`` are offsets by partition, by default the log's current ones. Raises LogUnavailableError when
    the partitions that are behind their ends return nothing for ``silent_seconds``: an open transaction blocks them,
    and the caller has to begin again instead of waiting without a bound.
    """
    targets = dict(enumerate(await log.ends(topic)) if ends is None else ends)
    positions = dict(enumerate(await log.starts(topic)) if starts is None else starts)
    clock = asyncio.get_running_loop().time

    async def chunks() -> AsyncIterator[Chunk]:
        silent = 0.0
        while behind := [partition for partition, end in targets.items() if positions[partition] < end]:
            started = clock()
            found = await reader.poll(limit=limit, wait=1.0)
            silent += clock() - started
            for chunk in found:
                yield chunk
                positions[chunk.partition] = chunk.position
            if any(chunk.partition in behind for chunk in found):
                silent = 0.0
            elif silent > silent_seconds:
                at, end = positions[behind[0]], targets[behind[0]]
                raise LogUnavailableError(f"{topic}/{behind[0]} returns nothing between {at} and its end {end}.")

    async with log.reader({(topic, partition): start for partition, start in positions.items()}) as reader:
        yield chunks()


async def read_records(
    log: EventLog, topic: str, partition: int, *, start: int | None = None, end: int | None = None
) -> AsyncGenerator[StoredRecord, None]:
    """The records of one partition between two offsets, by default all that the log holds now. Raises LogError."""
    first = (await log.starts(topic))[partition] if start is None else start
    last = (await log.ends(topic))[partition] if end is None else end
    async with read_all(log, topic, limit=_PAGE, starts={partition: first}, ends={partition: last}) as chunks:
        async for chunk in chunks:
            for record in chunk.records:
                if record.offset < last:
                    yield record
