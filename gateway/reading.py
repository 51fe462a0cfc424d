"""Reading a partition up to an end that is known, for as long as the log goes on telling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.ports import Chunk, EventLog, LogUnavailableError

_SILENT_SECONDS = 30.0


@asynccontextmanager
async def read_up_to(
    log: EventLog,
    topic: str,
    partition: int,
    *,
    start: int,
    end: int,
    limit: int,
    silent_seconds: float = _SILENT_SECONDS,
) -> AsyncIterator[AsyncIterator[Chunk]]:
    """The chunks of a partition from one offset on, until another is reached; the last may go beyond.

    Raises LogUnavailableError when nothing comes for so many seconds before that: somebody's transaction lies open
    there, and whoever needs what is behind it has to begin again rather than to wait for ever.
    """
    clock = asyncio.get_running_loop().time

    async def chunks() -> AsyncIterator[Chunk]:
        at, heard = start, clock()
        while at < end:
            for chunk in await reader.poll(limit=limit, wait=1.0):
                yield chunk
                at, heard = chunk.position, clock()
            if clock() - heard > silent_seconds:
                raise LogUnavailableError(f"{topic}/{partition} tells nothing between {at} and its end {end}.")

    async with log.reader({(topic, partition): start}) as reader:
        yield chunks()
