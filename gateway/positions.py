"""Positions: how far each input topic has been read, as the ``positions`` topic says."""

import asyncio
from collections.abc import Sequence

from gateway.ports import EventLog
from gateway.protocol.record import StoredRecord, position_key
from gateway.protocol.topic import POSITIONS

_PAGE = 5_000


async def read_positions(log: EventLog, partition: int) -> dict[str, int]:
    """Every position kept on one partition, read up to its present end. The caller owns what it asks for, or its answer
    may be out of date at once.
    """
    found: dict[str, int] = {}
    end = (await log.ends(POSITIONS))[partition]
    start = (await log.starts(POSITIONS))[partition]
    async with log.reader({(POSITIONS, partition): start}) as reader:
        at = start
        while at < end:
            for chunk in await reader.poll(limit=_PAGE, wait=1.0):
                _update(found, chunk.records)
                at = chunk.position
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
