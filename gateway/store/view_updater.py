"""The view updater: reads a topic of the log into a view."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

import structlog

from gateway.clock import Clock, now
from gateway.errors import (
    LogBusyError,
    LogError,
    LogUnavailableError,
    PositionLostError,
    TopicError,
    UnknownOutcomeError,
)
from gateway.log.port import Chunk, EventLog, LogReader
from gateway.log.retry import retry
from gateway.protocol.cursor import FRESH_MS
from gateway.protocol.topic import DAY_MS
from gateway.runtime.sqlite_damage import DamagedCopyError
from gateway.store.view import View

_RECORDS = 2_000
_WAIT = 1.0
_FEW_RECORDS = 500
_REST = 0.05
_YIELDED = 15
"""Multiple of its working time for which a view rests while it yields to more urgent work of its process."""
_FAILING_SECONDS = 10.0
_REBUILD_PAUSE_SECONDS = 60.0
_LOST_AT_MOST = 3
_TRIM_EVERY_MS = DAY_MS // 24
_KEEP_EVERY_MS = 10_000
_EXAMINE_EVERY = 600.0

_logger = structlog.get_logger()

Seen: TypeAlias = Callable[[Sequence[Chunk]], None]
"""Is called with the chunks that a view has applied, once it has caught up."""


def ignore(_: Sequence[Chunk]) -> None:
    """Do nothing with the chunks."""


class _DamagedError(Exception):
    """The view's file is damaged: unlike errors of the log, it is rebuilt before the next attempt."""


class ViewUpdater:
    """Reads all partitions of a topic into one view, from the view's positions on.

    A view whose positions the log no longer holds is emptied and filled again, and so is one that was last at the end
    longer ago than a cursor may be (FEED-009): it may have missed a delete. ``yields``: whether other work of the
    process is more urgent than filling a view.
    """

    def __init__(
        self,
        log: EventLog,
        topic: str,
        view: View,
        *,
        clock: Clock = now,
        examine_every: float = _EXAMINE_EVERY,
        seen: Seen = ignore,
        yields: Callable[[], bool] = lambda: False,
    ) -> None:
        self._log = log
        self._yields = yields
        self._seen = seen
        self._topic = topic
        self._view = view
        self._clock = clock
        self._goal: tuple[int, Sequence[int]] | None = None
        self._failing_since: float | None = None
        """The first failure since the last successful step; None after such a step."""
        self._failed_at = 0.0
        self._lost = 0
        self._trimmed = 0
        self._examine_every = examine_every
        self._examined: float | None = None
        self._examining: asyncio.Task[None] | None = None
        self._kept = 0
        view.updated.caught_up = False  # until this updater has reached the end
        self.lag = 0
        """Number of offsets between the view and the end of the log as last read."""

    @property
    def caught_up(self) -> bool:
        """Whether the view has once reached the end that was read at the start."""
        return self._view.caught_up

    @property
    def ready(self) -> bool:
        """Whether the view has caught up, and the log has not failed for ten seconds in a row."""
        since = self._failing_since
        return self.caught_up and (since is None or asyncio.get_running_loop().time() - since < _FAILING_SECONDS)

    async def run(self) -> None:
        """Run until cancelled. Errors of the log are retried, and a damaged view is rebuilt, after a growing pause if
        it is soon damaged again; any other error is raised, as is a position that is lost again and again.
        """
        await retry(f"the file of {self._topic}", self._run, on=(_DamagedError,), longest=_REBUILD_PAUSE_SECONDS)

    async def _run(self) -> None:
        await retry(
            f"the view of {self._topic}",
            self._attempt,
            on=(LogUnavailableError, LogBusyError, UnknownOutcomeError, TopicError),
            succeeded=lambda: self._failing_since == self._failed_at,
        )

    async def _attempt(self) -> None:
        """One attempt, which ends by an error only: rebuild a damaged view, then follow the topic."""
        try:
            if self._view.damage is not None:
                self._goal = None
                await self._view.updated.rebuild()
            while True:
                await self._follow_from_held_positions()
        except DamagedCopyError as error:
            raise _DamagedError(str(error)) from error
        except LogError:
            self._failed_at = asyncio.get_running_loop().time()
            self._failing_since = self._failing_since or self._failed_at
            raise
        finally:
            if self._examining is not None:  # it reads the file, which is rebuilt or closed next: two seconds at most
                await asyncio.wait((self._examining,))

    async def _follow_from_held_positions(self) -> None:
        try:
            await self._follow()
        except PositionLostError as error:
            self._lost += 1
            if self._lost > _LOST_AT_MOST:  # lost again at the starts that the log itself reports
                raise
            _logger.warning("view.position_lost", topic=self._topic, reason=str(error))

    async def _follow(self) -> None:
        # An instant far in the future means that the clock was ahead: the view's age is unknown.
        outdated = abs(self._clock() - max(self._view.fresh, self._view.began)) > FRESH_MS
        if outdated or self._lost:
            self._goal = None
            await self._view.wipe(await self._log.starts(self._topic), self._clock())
        positions = {(self._topic, partition): at for partition, at in enumerate(self._view.positions)}
        async with self._log.reader(positions) as reader:
            while True:
                await self._step(reader)
                self._failing_since, self._lost = None, 0

    async def _step(self, reader: LogReader) -> None:
        damage = self._view.damage
        if damage is not None:
            raise damage
        if self._goal is None:
            self._goal = self._clock(), await self._log.ends(self._topic)
            await self._compare(*self._goal)
        chunks = await reader.poll(limit=_RECORDS, wait=_WAIT)
        if chunks:
            await self._apply(chunks)
        if self._goal is not None:  # None: reached at once, although the log was slow to return its ends
            await self._compare(*self._goal)
        self._examine()
        instant = self._clock()
        if abs(instant - self._trimmed) >= _TRIM_EVERY_MS:
            await self._view.trim(await self._log.starts(self._topic), instant)
            self._trimmed = instant
        if abs(instant - self._kept) >= _KEEP_EVERY_MS:
            await self._view.updated.keep()
            self._kept = instant

    def _examine(self) -> None:
        """Check the file for damage periodically, beside other work: an index that lost an entry returns less and
        raises nothing. The next step raises the damage that is found, and any other error of the check.
        """
        if self._examining is not None and self._examining.done():
            examined, self._examining = self._examining, None
            examined.result()
        elapsed = asyncio.get_running_loop().time()
        if self._examined is None or not self.caught_up:
            self._examined = elapsed
        elif elapsed - self._examined >= self._examine_every and self._examining is None:
            self._examined = elapsed
            self._examining = asyncio.create_task(self._view.updated.examine())

    async def _apply(self, chunks: Sequence[Chunk]) -> None:
        """Apply chunks, and rest after few records for as long as they took: one costs about as much as a hundred. A
        view that is being filled rests after many, while it yields.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._view.apply(chunks)
        if self.caught_up:
            self._seen(chunks)
        if sum(len(chunk.records) for chunk in chunks) < _FEW_RECORDS:
            await asyncio.sleep(min(_REST, clock() - began))
        elif not self.caught_up:
            until = clock() + (clock() - began) * _YIELDED
            while self._yields() and clock() < until:  # noqa: ASYNC110  # a condition of other parts
                await asyncio.sleep(_REST)

    async def _compare(self, since: int, ends: Sequence[int]) -> None:
        """Compare the view with the ends that the log had at an instant, and update its state."""
        self.lag = sum(max(0, end - at) for at, end in zip(self._view.positions, ends, strict=True))
        if self.lag == 0:
            first = not self.caught_up
            if first:
                await self._view.settle()
            self._view.updated.fresh, self._view.updated.caught_up = since, True
            if first:
                await self._view.updated.keep()
            if abs(self._clock() - since) >= _WAIT * 1000:
                self._goal = None
