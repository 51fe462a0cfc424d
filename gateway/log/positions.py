"""Positions: the next offset to read of each input topic, stored on the topic ``positions``."""

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
"""The mirror's pause after records: each commit of each partition moves a position, and no reader needs every one."""


async def own_positions(log: EventLog, owner: Owner, *, role: str, partition: int) -> Mapping[str, int]:
    """Every position stored on one partition, for its new owner.

    Several roles write to one partition of ``positions``, each in transactions of its own. An open transaction of
    another role hides later records, including the former owner's last position. The owner therefore commits a barrier
    record first: once that is readable, so is everything before it.
    """
    barrier = Output(POSITIONS, partition, position_record(f"turn.{role}", partition, 0))
    ends = await owner.commit([barrier])
    return await read_positions(log, partition, end=ends[POSITIONS, partition])


async def chunks_to_commit(reader: Reader, *, limit: int) -> AsyncIterator[Chunk | None]:
    """The chunks of a one-partition reader whose positions are worth a commit: chunks with records at once; the last
    chunk of gaps after a second without records, so that its position is stored too; None when a poll returns nothing.
    """
    passed: Chunk | None = None
    clock = asyncio.get_running_loop().time
    yielded_at = clock()
    while True:
        chunks = await reader.poll(limit=limit, wait=1.0)
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


async def read_positions(log: EventLog, partition: int, *, end: int | None = None) -> Mapping[str, int]:
    """Every position stored on one partition, read up to ``end``, by default the last stable offset."""
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
    """All positions by key, for lag, readiness, snapshots and pending receipts, which own no partition."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log, POSITIONS, fold=fold_positions, empty={}, rest=_REST_SECONDS)

    def of(self, topic: str) -> tuple[int, ...]:
        """Per partition the next offset to read of an input topic; 0 where none is stored."""
        return tuple(self.state.get(position_key(topic, p).decode(), 0) for p in range(self._log.partitions))

    async def reached(self, topic: str, vector: Sequence[int], *, timeout: float) -> bool:  # noqa: ASYNC109  # the port's word
        """Wait until every partition of the topic has been read up to the vector; False when time is up first."""
        return await self.wait_for(
            lambda _: all(a >= b for a, b in zip(self.of(topic), vector, strict=True)), seconds=timeout
        )
