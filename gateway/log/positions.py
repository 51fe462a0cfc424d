"""Positions: the next offset to read of each input topic, stored on the topic ``positions``."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from gateway.errors import LogError
from gateway.log.mirror import TopicMirror, fold_topic
from gateway.log.port import (
    EventLog,
)
from gateway.protocol.record import StoredRecord, position_key
from gateway.protocol.topic import POSITIONS

_REST_SECONDS = 0.05
"""The mirror's pause after records: each commit of each partition moves a position, and no reader needs every one."""


async def end_of(log: EventLog, topic: str, partition: int) -> tuple[int, ...]:
    """A vector with the present end of one partition of a topic, and 0 for the others. Raises LogError."""
    return tuple(end if number == partition else 0 for number, end in enumerate(await log.ends(topic)))


async def unread(log: EventLog, topic: str, positions: Sequence[int]) -> int | None:
    """The offsets between these positions and the ends of the topic. None if the log fails: status and metrics matter
    most when something is wrong, and their other figures are still known.
    """
    try:
        ends = await log.ends(topic)
    except LogError:
        return None
    return sum(max(0, end - at) for end, at in zip(ends, positions, strict=True))


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


@lru_cache(maxsize=1_024)
def _name(topic: str, partition: int) -> str:
    return position_key(topic, partition).decode()


class Positions(TopicMirror[Mapping[str, int]]):
    """All positions by key, for lag, readiness, snapshots and pending receipts, which own no partition."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(log, POSITIONS, fold=fold_positions, empty={}, rest=_REST_SECONDS)

    def of(self, topic: str) -> tuple[int, ...]:
        """Per partition the next offset to read of an input topic; 0 where none is stored."""
        return tuple(self.at(topic, partition) for partition in range(self._log.partitions))

    def at(self, topic: str, partition: int) -> int:
        """The same for one partition."""
        return self.state.get(_name(topic, partition), 0)

    async def reached(self, topic: str, vector: Sequence[int], *, timeout: float) -> bool:  # noqa: ASYNC109  # the port's word
        """Wait until every partition of the topic has been read up to the vector; False when time is up first."""
        return await self.wait_for(
            lambda _: all(a >= b for a, b in zip(self.of(topic), vector, strict=True)), seconds=timeout
        )
