"""The clock that deletions go by: a wall clock that jumps ahead deletes nothing before its time.

It runs with the steady clock from the last instant that was believed, which is kept in a file across restarts. Where
the machine was not started again in between, the steady clock also measures how long the gateway was stopped. A wall
clock that says about the same is believed. One that differs is believed after a day in which it went on to differ, so
that an operator has a day to set it right; until then the earlier of the two counts, and nothing is deleted too early.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from gateway.clock import Clock

STEP_MS = 3_600_000
"""A wall clock that has moved by so much more or less than the steady clock, while this process ran, has been set."""
STOP_MS = 3 * 24 * 3_600_000
"""How long a machine may have been off for its wall clock to be believed at the start: longer than a weekend."""
DOUBT_MS = 24 * 3_600_000
"""How long a wall clock that differs is doubted, in time that this process and those before it have run."""
_KEEP_SECONDS = 60.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The instant believed, for how long the wall clock was doubted by then, and what the steady clock said."""

    believed: int
    doubted: int = 0
    boot: str | None = None
    steady: int = 0


class RetentionClock:
    """Gives an instant (ms since 1970) that is not ahead of what is believed; call it as a ``Clock``.

    ``file`` holds the last instant believed; ``since`` (ms) is the time of the log's newest record, for a first start
    without the file; None: the log is empty. ``boot`` names the start of the machine that ``steady`` counts from; None:
    not known.
    """

    def __init__(self, file: Path, *, wall: Clock, steady: Clock, since: int | None, boot: str | None = None) -> None:
        self._file = file
        self._wall = wall
        self._steady = steady
        self._at_steady = steady()
        self._slack = STOP_MS
        self._boot = boot
        kept = _read(file)
        if kept is None:
            kept = _Kept(wall() if since is None else since)
        self._believed, self._doubted = kept.believed, kept.doubted
        if boot is not None and kept.boot == boot:
            self._believed += max(0, self._at_steady - kept.steady)
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
            kept = _Kept(self._believed, self._doubted, self._boot, self._at_steady)
            try:
                await asyncio.to_thread(_write, self._file, orjson.dumps(kept))
            except OSError as error:  # a full disk: the next start believes less
                _log.warning("clock.not_kept", file=str(self._file), error=str(error))
            await asyncio.sleep(_KEEP_SECONDS)


def _write(file: Path, content: bytes) -> None:
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content)
    draft.replace(file)


def _read(file: Path) -> _Kept | None:
    """None where the file says nothing."""
    try:
        kept = orjson.loads(file.read_bytes())
        boot, steady = kept.get("boot"), int(kept.get("steady") or 0)
        return _Kept(int(kept["believed"]), int(kept["doubted"]), boot, steady)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
