"""Positions: how far each input topic has been read, as the ``positions`` topic says."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from gateway.log.mirror import TopicMirror, fold_topic
from gateway.log.port import (
    Chunk,
    EventLog,
    Output,
    Owner,
    Reader,
)
from gateway.protocol.record import StoredRecord, position_key, position_record
from gateway.protocol.topic import POSITIONS

_GAP_SECONDS = 1.0
_REST_SECONDS = 0.05
"""The mirror's pause after records: each commit of each partition moves a position, and nobody needs every one."""


async def own_positions(log: EventLog, owner: Owner, *, role: str, partition: int) -> Mapping[str, int]:
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


async def read_positions(log: EventLog, partition: int, *, end: int | None = None) -> Mapping[str, int]:
    """Every position kept on one partition, read up to ``end``, or to what can be read now."""
    end = (await log.ends(POSITIONS))[partition] if end is None else end
    start = (await log.starts(POSITIONS))[partition]
    return await fold_topic(log, POSITIONS, fold_positions, {}, starts={partition: start}, ends={partition: end})


def fold_positions(values: Mapping[str, int], records: Sequence[StoredRecord]) -> Mapping[str, int]:
    """The positions by key after more records of the topic."""
    values = dict(values)
    for record in records:
        key = (record.key or b"").decode()
        if record.value is None:
            values.pop(key, None)
        elif record.value.isdigit():  # the log's identity, on the same topic, is not a position
            values[key] = int(record.value)
    return values


class Positions(TopicMirror[Mapping[str, int]]):
    """All positions by key: for lag, readiness, snapshots and pending receipts, which own no partition."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log, POSITIONS, fold=fold_positions, empty={}, rest=_REST_SECONDS)

    def of(self, topic: str) -> tuple[int, ...]:
        """Per partition the next offset to read of an input topic; 0 where nothing was read yet."""
        return tuple(self.state.get(position_key(topic, p).decode(), 0) for p in range(self._log.partitions))

    async def reached(self, topic: str, vector: Sequence[int], *, timeout: float) -> bool:  # noqa: ASYNC109  # the port's word
        """Wait until every partition of the topic has been read up to the vector; False when time is up first."""
        return await self.wait_for(
            lambda _: all(a >= b for a, b in zip(self.of(topic), vector, strict=True)), seconds=timeout
        )
