"""The tail: feeds a view from the log, from where the view stands, for as long as it runs."""

import asyncio
from collections.abc import Sequence

import structlog

from gateway.clock import Clock, now
from gateway.errors import LogError, PositionLostError
from gateway.log.port import Chunk, EventLog, Reader
from gateway.protocol.cursor import FRESH_MS
from gateway.protocol.topic import DAY_MS
from gateway.runtime.sqlite_damage import DamagedCopyError
from gateway.store.view import View

_RECORDS = 2_000
_WAIT = 1.0
_FEW_RECORDS = 500
_REST = 0.05
_PAUSE, _PAUSE_AT_MOST = 0.1, 5.0
_PATIENCE = 10.0
_REBUILT_LATELY, _REBUILD_PAUSE_AT_MOST = 120.0, 60.0
_LOST_AT_MOST = 3
_TRIM_EVERY_MS = DAY_MS // 24
_KEEP_EVERY_MS = 10_000
_EXAMINE_EVERY = 600.0

_logger = structlog.get_logger()


class Tail:
    """Reads all partitions of a topic into one view.

    A view that stands outside what the log still holds is emptied and filled anew, and so is one that last stood at the
    end longer ago than a cursor may have (FEED-009): it may have slept past a delete.
    """

    def __init__(
        self, log: EventLog, topic: str, view: View, *, clock: Clock = now, examine_every: float = _EXAMINE_EVERY
    ) -> None:
        self._log = log
        self._topic = topic
        self._view = view
        self._clock = clock
        self._goal: tuple[int, Sequence[int]] | None = None
        self._failing_since: float | None = None
        self._pause = _PAUSE
        self._lost = 0
        self._rebuilt: float | None = None
        self._rebuild_pause = _PAUSE
        self._trimmed = 0
        self._examine_every = examine_every
        self._examined: float | None = None
        self._examining: asyncio.Task[None] | None = None
        self._kept = 0
        view.caught_up = False  # until this tail has seen the end
        self.lag = 0
        """How many offsets the view lies behind the end as that was last read."""

    @property
    def caught_up(self) -> bool:
        """Whether the view has once reached the end that was read at the start."""
        return self._view.caught_up

    @property
    def ready(self) -> bool:
        """Caught up, and the log has not failed for more than ten seconds on end."""
        since = self._failing_since
        return self.caught_up and (since is None or asyncio.get_running_loop().time() - since < _PATIENCE)

    async def run(self) -> None:
        """Run until cancelled. A log that fails is tried again; anything else that goes wrong is raised."""
        while True:
            try:
                await self._follow()
            except DamagedCopyError:
                await self._rebuild()
            except PositionLostError as error:
                self._lost += 1
                if self._lost > _LOST_AT_MOST:  # the view stands where the log says that it starts, and yet
                    raise
                _logger.warning("view.position_lost", topic=self._topic, reason=str(error))
            except LogError as error:
                await self._rest(error)

    async def _rebuild(self) -> None:
        """A damaged view is removed and filled again; where it is damaged again soon, after a pause that grows."""
        clock = asyncio.get_running_loop().time
        if self._rebuilt is not None and clock() - self._rebuilt < _REBUILT_LATELY:
            await asyncio.sleep(self._rebuild_pause)
            self._rebuild_pause = min(2 * self._rebuild_pause, _REBUILD_PAUSE_AT_MOST)
        else:
            self._rebuild_pause = _PAUSE
        self._rebuilt, self._goal = clock(), None
        try:
            await self._view.rebuild()
        except LogError as error:
            await self._rest(error)

    async def _rest(self, error: LogError) -> None:
        if self._failing_since is None:
            self._failing_since = asyncio.get_running_loop().time()
        _logger.warning("view.log_failed", topic=self._topic, reason=str(error))
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, _PAUSE_AT_MOST)

    async def _follow(self) -> None:
        # An instant far in the future says that the clock was ahead: the view's age is unknown.
        slept = abs(self._clock() - max(self._view.fresh, self._view.began)) > FRESH_MS
        if slept or self._lost:
            self._goal = None
            await self._view.wipe(await self._log.starts(self._topic), self._clock())
        positions = {(self._topic, partition): at for partition, at in enumerate(self._view.positions)}
        async with self._log.reader(positions) as reader:
            while True:
                await self._step(reader)
                self._failing_since, self._pause, self._lost = None, _PAUSE, 0

    async def _step(self, reader: Reader) -> None:
        damage = self._view.damage
        if damage is not None:
            raise damage
        if self._goal is None:
            self._goal = self._clock(), await self._log.ends(self._topic)
            await self._look(*self._goal)
        chunks = await reader.poll(limit=_RECORDS, wait=_WAIT)
        if chunks:
            await self._apply(chunks)
        if self._goal is not None:  # else it was reached at once, though the log took its time to tell it
            await self._look(*self._goal)
        self._examine()
        instant = self._clock()
        if abs(instant - self._trimmed) >= _TRIM_EVERY_MS:
            await self._view.trim(await self._log.starts(self._topic), instant)
            self._trimmed = instant
        if abs(instant - self._kept) >= _KEEP_EVERY_MS:
            await self._view.keep()
            self._kept = instant

    def _examine(self) -> None:
        """Look for damage now and then, beside what goes on: an index that lost an entry answers with less and raises
        nothing. The next step meets what is found.
        """
        elapsed = asyncio.get_running_loop().time()
        if self._examined is None or not self.caught_up:
            self._examined = elapsed  # what is opened is checked then
        elif elapsed - self._examined >= self._examine_every and (self._examining is None or self._examining.done()):
            self._examined = elapsed
            self._examining = asyncio.create_task(self._view.examine())

    async def _apply(self, chunks: Sequence[Chunk]) -> None:
        """Rest after few records for as long as they took: a step costs about the same for one as for a hundred."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._view.apply(chunks)
        if sum(len(chunk.records) for chunk in chunks) < _FEW_RECORDS:
            await asyncio.sleep(min(_REST, clock() - began))

    async def _look(self, since: int, ends: Sequence[int]) -> None:
        """Whether the view has come to the end that the log had at an instant."""
        self.lag = sum(max(0, end - at) for at, end in zip(self._view.positions, ends, strict=True))
        if self.lag == 0:
            first = not self.caught_up
            if first:
                await self._view.settle()
            self._view.fresh, self._view.caught_up = since, True
            if first:
                await self._view.keep()
            if abs(self._clock() - since) >= _WAIT * 1000:
                self._goal = None
