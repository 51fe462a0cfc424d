"""A change under a fence: one owner of a role reads, decides and commits, again while others take the role."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from gateway.errors import FencedError, LogUnavailableError, UnknownOutcomeError
from gateway.log.port import EventLog, Owner

Result = TypeVar("Result")

_FIRST_PAUSE = 0.05
_MAX_PAUSE = 8.0
_JITTER = 2.0
"""Seconds. Each attempt fences the one before it: commands that retry in step would fence one another without end."""
_OUTAGES = 3


async def change_fenced(
    log: EventLog, role: str, partition: int, attempt: Callable[[Owner], Awaitable[Result]], *, seconds: float
) -> Result:
    """Run ``attempt`` with its own owner of a role, again for ``seconds`` while others take the role.

    The start of the next owner settles an unknown outcome: an attempt has to look for what an earlier one has written.
    Raises FencedError, and other errors of the log.
    """
    outages = 0

    def is_transient(error: Exception) -> bool:
        # A fence may also appear as an outage: a broker that aborted the transaction need not give the reason.
        nonlocal outages
        outages += isinstance(error, UnknownOutcomeError | LogUnavailableError)
        return isinstance(error, FencedError | UnknownOutcomeError | LogUnavailableError) and outages <= _OUTAGES

    async for trial in stamina.retry_context(
        is_transient,
        attempts=None,
        timeout=seconds,
        wait_initial=_FIRST_PAUSE,
        wait_max=_MAX_PAUSE,
        wait_jitter=_JITTER,
    ):
        with trial:
            owner = await log.own(role, partition)
            try:
                return await attempt(owner)
            finally:
                await owner.close()
    raise AssertionError("unreachable: the last attempt returns or raises")
