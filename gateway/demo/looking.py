"""Looking at far ends again and again: they are other systems, which tell nobody when they have changed."""

import asyncio
from collections.abc import Callable, Sequence

_SHARE = 4
"""Looking takes at most one part in so many of the time."""


async def rest(every: float, *, since: float) -> None:
    """Wait between two looks, longer after one that took long: ``since`` is when it began (the loop's time)."""
    took = asyncio.get_running_loop().time() - since
    await asyncio.sleep(max(every, (_SHARE - 1) * took))


async def grow(
    count: Callable[[], int], goal: int, *, every: float, patience: float, broken: Sequence[str] = ()
) -> bool:
    """Look every so many seconds until there are as many as the goal. False when none has come for longer than the
    patience, in seconds, or something is broken.
    """
    loop = asyncio.get_running_loop()
    there, since = count(), loop.time()
    while there < goal:
        if broken or loop.time() - since > patience:
            return False
        await asyncio.sleep(every)
        before, there = there, count()
        since = since if there == before else loop.time()
    return True


async def until(condition: Callable[[], bool], *, every: float) -> float:
    """Look every so many seconds until the condition holds; how long it took, in seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not condition():  # noqa: ASYNC110 - nothing sets an event at a far end
        await asyncio.sleep(every)
    return loop.time() - began
