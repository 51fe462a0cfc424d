"""The owner loop: own a partition, find the resume offset, then read chunks and commit the outputs of each with its
position.

The relay, the inboxes and the subscriber topics are such loops: each commit has all effects of its input, or none. What
they do at the start differs: the relay raises when its position is lost, an inbox skips expired messages, a subscriber
topic starts over when its scope has changed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from gateway.log.port import Chunk, EventLog, LogReader, Output, Owner
from gateway.log.positions import read_positions
from gateway.log.retry import retry_log_errors
from gateway.protocol.record import position_record
from gateway.protocol.topic import POSITIONS

_GAP_SECONDS = 1.0


async def own_with_retry(log: EventLog, *, role: str, partition: int, work: Callable[[Owner], Awaitable[None]]) -> None:
    """Own a partition and work on it until cancelled; retry after a commit of unknown outcome or an outage of the log.

    Each attempt begins with a new owner, which fences the previous one. Other errors are raised.
    """
    progressing: _Progressing | None = None

    async def own_and_work() -> None:
        nonlocal progressing
        progressing = None
        owner = progressing = _Progressing(await log.own(role, partition))
        try:
            await work(owner)
        finally:
            await owner.close()

    await retry_log_errors(
        f"{role} {partition}", own_and_work, succeeded=lambda: progressing is not None and progressing.progressed
    )


async def own_positions(log: EventLog, owner: Owner, *, role: str, partition: int) -> Mapping[str, int]:
    """Every position stored on one partition, for its new owner.

    Several roles write to one partition of ``positions``, each in transactions of its own. An open transaction of
    another role hides later records, including the former owner's last position. The owner therefore commits a barrier
    record first: once that is readable, so is everything before it.
    """
    barrier = Output(POSITIONS, partition, position_record(f"turn.{role}", partition, 0))
    ends = await owner.commit([barrier])
    return await read_positions(log, partition, end=ends[POSITIONS, partition])


async def chunks_to_commit(reader: LogReader, *, limit: int | Callable[[], int]) -> AsyncIterator[Chunk | None]:
    """The chunks of a one-partition reader whose positions are worth a commit: chunks with records at once; the last
    chunk of gaps after a second without records, so that its position is stored too; None when a poll returns nothing.
    ``limit`` may depend on the present state.
    """
    passed: Chunk | None = None
    clock = asyncio.get_running_loop().time
    yielded_at = clock()
    while True:
        chunks = await reader.poll(limit=limit() if callable(limit) else limit, wait=1.0)
        for chunk in chunks:
            if chunk.records:
                passed, yielded_at = None, clock()
                yield chunk
            else:
                passed = chunk
        if passed is not None and clock() - yielded_at >= _GAP_SECONDS:
            yield passed
            passed, yielded_at = None, clock()
        if not chunks:
            yield None


class _Progressing:
    """An owner whose commits after the first count as a success of its work. The first may only be the barrier that
    precedes reading the resume offset (``own_positions``): it succeeds in every attempt of work that fails later.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._commits = 0

    @property
    def progressed(self) -> bool:
        """Whether a commit other than the first one has succeeded."""
        return self._commits > 1

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """As ``Owner.commit``."""
        ends = await self._owner.commit(outputs)
        self._commits += 1
        return ends

    async def end(self, topic: str, partition: int) -> int:
        """As ``Owner.end``."""
        return await self._owner.end(topic, partition)

    async def close(self) -> None:
        """As ``Owner.close``."""
        await self._owner.close()
