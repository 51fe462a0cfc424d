"""Assignment: one task per partition that the consumer group assigns to this process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog

from gateway.errors import (
    FencedError,
    LogBusyError,
    LogUnavailableError,
    UnknownOutcomeError,
)
from gateway.log.port import EventLog, Output, Owner
from gateway.log.retry import retry

_FENCED_GRACE_SECONDS = 3.0
_FENCED_AT_MOST = 3
_FENCED_WITHIN_SECONDS = 60.0
_TRANSIENT = (LogBusyError, LogUnavailableError, UnknownOutcomeError)
"""Transient errors: the log is unreachable, slow or full."""

Key = TypeVar("Key", int, str)
Result = TypeVar("Result")

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


async def own_with_retry(log: EventLog, *, role: str, partition: int, work: Callable[[Owner], Awaitable[None]]) -> None:
    """Own a partition and work on it until cancelled; retry after a commit of unknown outcome or an outage of the log.

    Each attempt begins with a new owner, which fences the previous one. Other errors are raised.
    """
    progressing: _Progressing | None = None

    async def own_and_work() -> None:
        nonlocal progressing
        progressing = None
        owner = progressing = _Progressing(await log.own(role, partition))
        try:
            await work(owner)
        finally:
            await owner.close()

    await retry_log_errors(
        f"{role} {partition}", own_and_work, succeeded=lambda: progressing is not None and progressing.progressed
    )


class _Progressing:
    """An owner whose commits after the first count as a success of its work. The first may only be the barrier that
    precedes reading the resume offset (``own_positions``): it succeeds in every attempt of work that fails later.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._commits = 0

    @property
    def progressed(self) -> bool:
        """Whether a commit other than the first one has succeeded."""
        return self._commits > 1

    async def commit(self, outputs: Sequence[Output]) -> Mapping[tuple[str, int], int]:
        """As ``Owner.commit``."""
        ends = await self._owner.commit(outputs)
        self._commits += 1
        return ends

    async def end(self, topic: str, partition: int) -> int:
        """As ``Owner.end``."""
        return await self._owner.end(topic, partition)

    async def close(self) -> None:
        """As ``Owner.close``."""
        await self._owner.close()


async def retry_log_errors(
    name: str, work: Callable[[], Awaitable[Result]], *, succeeded: Callable[[], bool] = lambda: False
) -> Result:
    """Run ``work`` until it returns; retry while the log is unreachable, slow or full. Other errors are raised."""
    return await retry(name, work, on=_TRANSIENT, succeeded=succeeded)


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


async def stop(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
