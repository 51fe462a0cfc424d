"""Lag: the number of offsets of a topic that a reader has not read yet."""

from collections.abc import Sequence

from gateway.errors import LogError
from gateway.log.port import EventLog


async def unread(log: EventLog, topic: str, positions: Sequence[int]) -> int | None:
    """The offsets between these positions and the ends of the topic. None if the log fails: status and metrics matter
    most when something is wrong, and their other figures are still known.
    """
    try:
        ends = await log.ends(topic)
    except LogError:
        return None
    return sum(max(0, end - at) for end, at in zip(ends, positions, strict=True))
