"""Positions: how far each input topic has been read, as the ``positions`` topic says."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from gateway.ports import Chunk, EventLog, Output, Owner, Reader
from gateway.protocol.record import StoredRecord, position_key, position_record
from gateway.protocol.topic import POSITIONS
from gateway.reading import read_up_to

_PAGE = 5_000
_GAP_SECONDS = 1.0
_REST_SECONDS = 0.05
"""How long a live view rests after news: each commit of each partition moves a position, and nobody needs every one."""


async def own_positions(log: EventLog, owner: Owner, *, role: str, partition: int) -> dict[str, int]:
    """Every position kept on one partition, for an owner that has just taken over.

    Several roles write to one partition of ``positions``, each in transactions of its own. An open one of another role
    hides what lies behind it, the former owner's last position too. So the owner commits a record first: once that can
    be read, so can everything before it.
    """
    turn = Output(POSITIONS, partition, position_record(f"turn.{role}", partition, 0))
    ends = await owner.commit([turn])
    return await read_positions(log, partition, end=ends[POSITIONS, partition])


async def worth_committing(reader: Reader, *, limit: int) -> AsyncIterator[Chunk | None]:
    """The chunks of a reader of one partition: those with records at once; one without, where only gaps were passed,
    after a second without others, so that its position is kept too; None when nothing is there.
    """
    passed: Chunk | None = None
    clock = asyncio.get_running_loop().time
    told_at = clock()
    while True:
        chunks = await reader.poll(limit=limit, wait=1.0)
        for chunk in chunks:
            if chunk.records:
                passed, told_at = None, clock()
                yield chunk
            else:
                passed = chunk
        if passed is not None and clock() - told_at >= _GAP_SECONDS:
            yield passed
            passed, told_at = None, clock()
        if not chunks:
            yield None


async def read_positions(log: EventLog, partition: int, *, end: int | None = None) -> dict[str, int]:
    """Every position kept on one partition, read up to ``end``, or to what can be read now."""
    found: dict[str, int] = {}
    end = (await log.ends(POSITIONS))[partition] if end is None else end
    start = (await log.starts(POSITIONS))[partition]
    async with read_up_to(log, POSITIONS, partition, start=start, end=end, limit=_PAGE) as chunks:
        async for chunk in chunks:
            _update(found, chunk.records)
    return found


def _update(values: dict[str, int], records: Sequence[StoredRecord]) -> None:
    for record in records:
        key = (record.key or b"").decode()
        if record.value is None:
            values.pop(key, None)
        elif record.value.isdigit():  # the log's identity, on the same topic, is not a position
            values[key] = int(record.value)


class Positions:
    """A live view of all positions, for those who only watch: lag, readiness, snapshots, pending receipts."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._values: dict[str, int] = {}
        self._moved = asyncio.Condition()
        self.caught_up = False

    def of(self, topic: str) -> tuple[int, ...]:
        """Per partition the next offset to read of an input topic; 0 where nothing was read yet."""
        return tuple(self._values.get(position_key(topic, p).decode(), 0) for p in range(self._log.partitions))

    @property
    def values(self) -> Mapping[str, int]:
        """Every position by its key, as last read."""
        return self._values

    async def reached(self, topic: str, vector: Sequence[int], *, timeout: float) -> bool:  # noqa: ASYNC109  # the port's word
        """Wait until every partition of the topic has been read up to the vector; False when time is up first."""
        try:
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(lambda: all(a >= b for a, b in zip(self.of(topic), vector, strict=True)))
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        ends = await self._log.ends(POSITIONS)
        at = dict(enumerate(await self._log.starts(POSITIONS)))
        async with self._log.reader({(POSITIONS, p): start for p, start in at.items()}) as reader:
            while True:
                self.caught_up = self.caught_up or all(at[p] >= end for p, end in enumerate(ends))
                chunks = await reader.poll(limit=_PAGE, wait=5.0)
                async with self._moved:
                    for chunk in chunks:
                        at[chunk.partition] = chunk.position
                        _update(self._values, chunk.records)
                    self._moved.notify_all()
                if chunks and self.caught_up:
                    await asyncio.sleep(_REST_SECONDS)
