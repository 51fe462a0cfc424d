"""Unlimited retries: exponential backoff with jitter (stamina), one log event for each.

The caller names the part that is retried. stamina's own hooks are replaced: they would log arguments and count on an
undocumented metric.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import stamina
import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from gateway.errors import LogBusyError, LogUnavailableError, UnknownOutcomeError

Result = TypeVar("Result")

FIRST_SECONDS = 0.1
MAX_SECONDS = 5.0
JITTER_SECONDS = 0.25
SUCCESS_SECONDS = 60.0
"""An attempt that lasts longer counts as a success: this exceeds every wait for the log."""

_TRANSIENT = (LogBusyError, LogUnavailableError, UnknownOutcomeError)
"""Transient errors: the log is unreachable, slow or full."""

_part: ContextVar[str | None] = ContextVar("part", default=None)
_log = structlog.get_logger()


async def retry(
    part: str,
    work: Callable[[], Awaitable[Result]],
    *,
    on: tuple[type[Exception], ...],
    longest: float = MAX_SECONDS,
    succeeded: Callable[[], bool] = lambda: False,
) -> Result:
    """Run ``work`` until it returns or is cancelled; retry after an error of ``on``. Other errors are raised.

    The backoff is reset by an attempt that fails after a success, by ``succeeded`` or by its length: the next attempt
    then begins at once.
    """
    clock = asyncio.get_running_loop().time
    with _named(part):
        while True:
            async for attempt in stamina.retry_context(
                on,
                attempts=None,
                timeout=None,
                wait_initial=FIRST_SECONDS,
                wait_max=longest,
                wait_jitter=JITTER_SECONDS,
            ):
                with attempt:
                    began = clock()
                    try:
                        return await work()
                    except on as error:
                        if not succeeded() and clock() - began <= SUCCESS_SECONDS:
                            raise
                        _log.warning("retry.scheduled", part=part, error=str(error), number=0, wait=0.0)


async def retry_log_errors(
    name: str, work: Callable[[], Awaitable[Result]], *, succeeded: Callable[[], bool] = lambda: False
) -> Result:
    """Run ``work`` until it returns; retry while the log is unreachable, slow or full. Other errors are raised."""
    return await retry(name, work, on=_TRANSIENT, succeeded=succeeded)


@contextmanager
def _named(part: str) -> Iterator[None]:
    token = _part.set(part)
    try:
        yield
    finally:
        _part.reset(token)


def _log_retry(details: RetryDetails) -> None:
    """Log a retry of ``retry``. Its errors name topics, partitions and brokers, no content. Others are not logged."""
    if (part := _part.get()) is not None:
        wait = round(details.wait_for, 2)
        _log.warning("retry.scheduled", part=part, error=str(details.caused_by), number=details.retry_num, wait=wait)


set_on_retry_hooks([_log_retry])
