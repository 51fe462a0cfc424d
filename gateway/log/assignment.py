"""Assignment: one task per partition that the consumer group assigns to this process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import structlog

from gateway.errors import FencedError
from gateway.log.port import EventLog
from gateway.log.retry import retry_log_errors
from gateway.runtime.loop import stop

_FENCED_GRACE_SECONDS = 3.0
_FENCED_AT_MOST = 3
_FENCED_WITHIN_SECONDS = 60.0

Key = TypeVar("Key", int, str)

_log = structlog.get_logger()


async def run_assigned(
    log: EventLog,
    *,
    role: str,
    topic: str,
    work: Callable[[int], Awaitable[None]],
    assigned: Callable[[frozenset[int]], None] = lambda partitions: None,  # noqa: ARG005  # optional hook
) -> None:
    """Run ``work(partition)`` for each partition assigned to this process, until cancelled. ``assigned`` is called with
    every new assignment.

    Raises the error that ended a partition's work. A FencedError is expected while the group revokes the partition. It
    also occurs when a former member resumes its work after its session has timed out, or when this process's own
    membership is stale because its group coordinator is cut off from the cluster. The process then joins the group
    again. Repeated fencing means that another process works outside the group: the FencedError is raised.
    """
    fenced: dict[int, list[float]] = defaultdict(list)

    def hold(partition: int) -> Coroutine[Any, Any, None]:
        return _hold(role, partition, work, fenced[partition])

    while True:
        with contextlib.suppress(_RejoinError):
            await _work_as_member(log, role=role, topic=topic, hold=hold, assigned=assigned)


async def _work_as_member(
    log: EventLog,
    *,
    role: str,
    topic: str,
    hold: Callable[[int], Coroutine[Any, Any, None]],
    assigned: Callable[[frozenset[int]], None],
) -> None:
    """Run one task per assigned partition, for one membership of the group."""
    membership = await retry_log_errors(f"the group of {role}", partial(log.join, role, topic))
    tasks: dict[int, asyncio.Task[None]] = {}
    change = asyncio.create_task(membership.changed())
    try:
        while True:
            done, _ = await asyncio.wait({change, *tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
            errors = [tasks.pop(p).exception() for p in [p for p, task in tasks.items() if task in done]]
            for error in sorted(filter(None, errors), key=lambda error: isinstance(error, _RejoinError)):
                raise error
            if change.done():
                assignment = change.result()
                _log.info("share.assigned", role=role, partitions=sorted(assignment))
                assigned(assignment)
                change = asyncio.create_task(membership.changed())
                await stop([tasks.pop(p) for p in set(tasks) - assignment])
                tasks.update((p, asyncio.create_task(hold(p))) for p in assignment - set(tasks))
    finally:
        await stop([change, *tasks.values()])
        await membership.close()


async def run_until_error(work: Callable[[Key], Awaitable[None]], key: Key) -> None:
    """Run work that ends only by an error or a cancellation. Raises RuntimeError if it returns."""
    await work(key)
    raise RuntimeError(f"the work on {key} ended by itself")


class _RejoinError(Exception):
    """Another owner has fenced a partition that the group still assigns to this process."""


async def _hold(role: str, partition: int, work: Callable[[int], Awaitable[None]], fenced: list[float]) -> None:
    """Work on a partition until revocation cancels this task; after a FencedError, leave the group time to revoke it.
    ``fenced`` holds the times of recent FencedErrors and is updated in place.
    """
    try:
        await run_until_error(work, partition)
    except FencedError as error:
        now = asyncio.get_running_loop().time()
        fenced[:] = [*(at for at in fenced if now - at < _FENCED_WITHIN_SECONDS), now]
        _log.warning("share.fenced", role=role, partition=partition, times=len(fenced))
        await asyncio.sleep(_FENCED_GRACE_SECONDS)
        if len(fenced) < _FENCED_AT_MOST:
            raise _RejoinError from error
        raise FencedError(
            f"another process works on {role} of partition {partition} and the group does not know it; "
            "stop the other process, or give it a log of its own"
        ) from error
