"""The clock that deletions go by: a wall clock that jumps ahead deletes nothing before its time.

It runs with the steady clock from the last instant that was believed, which is kept in a file across restarts. A wall
clock that says about the same is believed. One that differs is believed after a day in which it went on to differ, so
that an operator has a day to set it right; until then the earlier of the two counts, and nothing is deleted too early.
"""

import asyncio
from pathlib import Path

import orjson
import structlog

from gateway.clock import Clock

STEP_MS = 3_600_000
"""A wall clock that has moved by so much more or less than the steady clock, while this process ran, has been set."""
STOP_MS = 3 * 24 * 3_600_000
"""How long a gateway may have been stopped for its wall clock to be believed at the start: longer than a weekend."""
DOUBT_MS = 24 * 3_600_000
"""How long a wall clock that differs is doubted, in time that this process and those before it have run."""
_KEEP_SECONDS = 60.0

_log = structlog.get_logger()


class RetentionClock:
    """Gives an instant (ms since 1970) that is not ahead of what is believed; call it as a ``Clock``.

    ``file`` holds the last instant believed; ``since`` (ms) is the time of the log's newest record, for a first start
    without the file; None: the log is empty.
    """

    def __init__(self, file: Path, *, wall: Clock, steady: Clock, since: int | None) -> None:
        self._file = file
        self._wall = wall
        self._steady = steady
        self._at_steady = steady()
        self._slack = STOP_MS
        believed, self._doubted = _read(file)
        if believed is None:
            believed = wall() if since is None else since
        self._believed = believed
        self._told = False

    def __call__(self) -> int:
        """The present instant, or an earlier one while the wall clock is doubted."""
        steady, wall = self._steady(), self._wall()
        passed = max(0, steady - self._at_steady)
        expected = self._believed + passed
        self._at_steady = steady
        if -STEP_MS <= wall - expected <= self._slack or self._doubted + passed >= DOUBT_MS:
            self._believed, self._doubted, self._told = wall, 0, False
        else:
            self._believed = expected
            self._doubted += passed
            if not self._told:
                _log.warning("clock.doubted", differs_by_seconds=(wall - expected) // 1000)
                self._told = True
        self._slack = STEP_MS
        return min(wall, self._believed)

    async def run(self) -> None:
        """Keep what is believed in the file, until cancelled."""
        while True:
            self()
            kept = orjson.dumps({"believed": self._believed, "doubted": self._doubted})
            try:
                await asyncio.to_thread(_write, self._file, kept)
            except OSError as error:  # a full disk: the next start believes less
                _log.warning("clock.not_kept", file=str(self._file), error=str(error))
            await asyncio.sleep(_KEEP_SECONDS)


def _write(file: Path, content: bytes) -> None:
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content)
    draft.replace(file)


def _read(file: Path) -> tuple[int | None, int]:
    """The instant believed, and for how long the wall clock was doubted; nothing where the file says nothing."""
    try:
        kept = orjson.loads(file.read_bytes())
        return int(kept["believed"]), int(kept["doubted"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, 0
