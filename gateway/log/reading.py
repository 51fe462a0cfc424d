"""Reading a topic up to an end that is known, for as long as the log goes on telling."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from gateway.errors import LogUnavailableError
from gateway.log.port import Chunk, EventLog

_SILENT_SECONDS = 30.0


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
    """The chunks of a topic, until every partition has reached its end; the last ones may go beyond.

    ``starts`` and ``ends`` are offsets by partition: where they are not given, those that the log has now. Raises
    LogUnavailableError when for so many seconds nothing comes from the partitions that are short of their ends:
    somebody's transaction lies open there, and whoever needs what is behind it has to begin again rather than to wait
    for ever.
    """
    goals = dict(enumerate(await log.ends(topic)) if ends is None else ends)
    places = dict(enumerate(await log.starts(topic)) if starts is None else starts)
    clock = asyncio.get_running_loop().time

    async def chunks() -> AsyncIterator[Chunk]:
        silent = 0.0
        while short := [partition for partition, end in goals.items() if places[partition] < end]:
            asked = clock()
            found = await reader.poll(limit=limit, wait=1.0)
            silent += clock() - asked
            for chunk in found:
                yield chunk
                places[chunk.partition] = chunk.position
            if any(chunk.partition in short for chunk in found):
                silent = 0.0
            elif silent > silent_seconds:
                at, end = places[short[0]], goals[short[0]]
                raise LogUnavailableError(f"{topic}/{short[0]} tells nothing between {at} and its end {end}.")

    async with log.reader({(topic, partition): start for partition, start in places.items()}) as reader:
        yield chunks()


def read_up_to(
    log: EventLog,
    topic: str,
    partition: int,
    *,
    start: int,
    end: int,
    limit: int,
    silent_seconds: float = _SILENT_SECONDS,
) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
    """The same of one partition."""
    return read_all(
        log, topic, limit=limit, starts={partition: start}, ends={partition: end}, silent_seconds=silent_seconds
    )
