"""A process's share of the work: one task per partition that the group assigns."""

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
_PASSING = (LogBusyError, LogUnavailableError, UnknownOutcomeError)
"""What passes by itself: the log is away, slow or full."""

Place = TypeVar("Place", int, str)
Result = TypeVar("Result")

_log = structlog.get_logger()


async def work_share(
    log: EventLog,
    *,
    role: str,
    topic: str,
    work: Callable[[int], Awaitable[None]],
    assigned: Callable[[frozenset[int]], None] = lambda share: None,  # noqa: ARG005  # most do not ask
) -> None:
    """Run ``work(partition)`` for each partition of this process's share, until cancelled; ``assigned`` is told it.

    Raises what made a partition's work stop. Being fenced is in order when the group is about to take the partition
    away. It may also come from a process that slept past its place in the group and took up its work where it left it;
    or this one's place is not true any more, and who keeps it does not know, cut off from the others. So the group is
    then joined anew. When it comes again and again, another process works outside the group: an error.
    """
    fenced: dict[int, list[float]] = defaultdict(list)

    def hold(partition: int) -> Coroutine[Any, Any, None]:
        return _hold(role, partition, work, fenced[partition])

    while True:
        with contextlib.suppress(_DoubtError):
            await _work_as_member(log, role=role, topic=topic, hold=hold, assigned=assigned)


async def _work_as_member(
    log: EventLog,
    *,
    role: str,
    topic: str,
    hold: Callable[[int], Coroutine[Any, Any, None]],
    assigned: Callable[[frozenset[int]], None],
) -> None:
    """Hold what the group assigns, for as long as this is one of its members."""
    membership = await keep_going(f"the group of {role}", partial(log.join, role, topic))
    tasks: dict[int, asyncio.Task[None]] = {}
    change = asyncio.create_task(membership.changed())
    try:
        while True:
            done, _ = await asyncio.wait({change, *tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
            errors = [tasks.pop(p).exception() for p in [p for p, task in tasks.items() if task in done]]
            for error in sorted(filter(None, errors), key=lambda error: isinstance(error, _DoubtError)):
                raise error
            if change.done():
                share = change.result()
                _log.info("share.assigned", role=role, partitions=sorted(share))
                assigned(share)
                change = asyncio.create_task(membership.changed())
                await stop([tasks.pop(p) for p in set(tasks) - share])
                tasks.update((p, asyncio.create_task(hold(p))) for p in share - set(tasks))
    finally:
        await stop([change, *tasks.values()])
        await membership.close()


async def keep_owning(log: EventLog, *, role: str, partition: int, work: Callable[[Owner], Awaitable[None]]) -> None:
    """Own a partition and work on it until cancelled: again after a commit of unknown outcome, or an outage of the log.

    Each attempt begins with a new owner, which fences the last one. Other errors are raised.
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

    await keep_going(
        f"{role} {partition}", own_and_work, succeeded=lambda: progressing is not None and progressing.progressed
    )


class _Progressing:
    """An owner whose commits, but for the first one, count as a success of its work: the first one may only serve to
    learn where to go on (``own_positions``), which succeeds in each attempt of a work that fails behind it.
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


async def keep_going(
    name: str, work: Callable[[], Awaitable[Result]], *, succeeded: Callable[[], bool] = lambda: False
) -> Result:
    """Work until it is done or cancelled: again after the log was away, slow or full. Other errors are raised."""
    return await retry(name, work, on=_PASSING, succeeded=succeeded)


async def work_without_end(work: Callable[[Place], Awaitable[None]], place: Place) -> None:
    """Run work that ends only by an error or a cancellation. Raises RuntimeError where it returns."""
    await work(place)
    raise RuntimeError(f"the work on {place} ended by itself")


class _DoubtError(Exception):
    """Another owns a partition, and the group does not say why."""


async def _hold(role: str, partition: int, work: Callable[[int], Awaitable[None]], fenced: list[float]) -> None:
    """Work on a partition until it is taken away, which cancels this; fenced, give the group time to say so. When that
    was before, ``fenced`` says and is told.
    """
    try:
        await work_without_end(work, partition)
    except FencedError as error:
        now = asyncio.get_running_loop().time()
        fenced[:] = [*(at for at in fenced if now - at < _FENCED_WITHIN_SECONDS), now]
        _log.warning("share.fenced", role=role, partition=partition, times=len(fenced))
        await asyncio.sleep(_FENCED_GRACE_SECONDS)
        if len(fenced) < _FENCED_AT_MOST:
            raise _DoubtError from error
        raise FencedError(
            f"another process works on {role} of partition {partition} and the group does not know it; "
            "stop the other process, or give it a log of its own"
        ) from error


async def stop(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their ends."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
