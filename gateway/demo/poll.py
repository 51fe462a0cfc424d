"""Polling helpers for external systems, which send no notifications."""

import asyncio
from collections.abc import Callable, Sequence

_DUTY = 4
"""A poll takes at most one part in so many of the time."""


async def pause_between_polls(every: float, *, since: float) -> None:
    """Pause between two polls: ``every`` seconds, longer after a slow poll, which began at ``since`` (loop time)."""
    took = asyncio.get_running_loop().time() - since
    await asyncio.sleep(max(every, (_DUTY - 1) * took))


async def poll_until_count(
    count: Callable[[], int], goal: int, *, every: float, patience: float, broken: Sequence[str] = ()
) -> bool:
    """Poll a count every so many seconds until it reaches the goal. Returns False when it has not grown for
    ``patience`` seconds, or when ``broken`` is not empty.
    """
    loop = asyncio.get_running_loop()
    number, since = count(), loop.time()
    while number < goal:
        if broken or loop.time() - since > patience:
            return False
        await asyncio.sleep(every)
        before, number = number, count()
        since = since if number == before else loop.time()
    return True


async def poll_until(condition: Callable[[], bool], *, every: float) -> float:
    """Poll every so many seconds until the condition holds; returns the elapsed seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():  # noqa: ASYNC110 - an external system sets no event
        await asyncio.sleep(every)
    return loop.time() - began
