"""Lag: how much of a topic somebody has not read yet."""

from collections.abc import Sequence

from gateway.errors import LogError
from gateway.log.port import EventLog


async def unread(log: EventLog, topic: str, positions: Sequence[int]) -> int | None:
    """How many offsets lie behind these positions. None while the log does not say: whoever asks wants to know above
    all when something is wrong, and the rest of what it asks for is known all the same.
    """
    try:
        ends = await log.ends(topic)
    except LogError:
        return None
    return sum(max(0, end - at) for end, at in zip(ends, positions, strict=True))
