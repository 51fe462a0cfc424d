"""The clock of deletions: a wall clock that jumps ahead deletes nothing before its time.

It advances with the steady clock from the last accepted instant, which a file keeps across restarts. If the machine has
not restarted since, the steady clock also measures how long the gateway was stopped. A wall clock that is close to the
result is accepted. One that differs is accepted after it has differed for a day, which leaves an operator a day to
correct it; until then the earlier of the two instants counts, and nothing is deleted too early.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from gateway.clock import Clock

STEP_MS = 3_600_000
"""A wall clock that moves by more than this relative to the steady clock, while the process runs, has been set."""
STOP_MS = 3 * 24 * 3_600_000
"""The longest stop after which the wall clock is accepted at the start: longer than a weekend."""
REJECTION_MS = 24 * 3_600_000
"""Time in which a wall clock that differs is rejected, in running time of this process and those before it."""
_KEEP_SECONDS = 60.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Kept:
    """The accepted instant, for how long the wall clock was rejected by then, and the steady clock's instant."""

    believed: int
    doubted: int = 0
    boot: str | None = None
    steady: int = 0


class RetentionClock:
    """A ``Clock`` that returns an instant (ms since 1970) not ahead of the accepted one.

    ``file`` holds the last accepted instant; ``since`` (ms) is the time of the log's newest record, for a first start
    without the file; None: the log is empty. ``boot`` identifies the start of the machine from which ``steady`` counts;
    None: not known.
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
        self._accepted, self._rejected_for = kept.believed, kept.doubted
        if boot is not None and kept.boot == boot:
            self._accepted += max(0, self._at_steady - kept.steady)
        self._warned = False

    def __call__(self) -> int:
        """The present instant, or an earlier one while the wall clock is rejected."""
        steady, wall = self._steady(), self._wall()
        passed = max(0, steady - self._at_steady)
        expected = self._accepted + passed
        self._at_steady = steady
        if -STEP_MS <= wall - expected <= self._slack or self._rejected_for + passed >= REJECTION_MS:
            self._accepted, self._rejected_for, self._warned = wall, 0, False
        else:
            self._accepted = expected
            self._rejected_for += passed
            if not self._warned:
                _log.warning("clock.doubted", differs_by_seconds=(wall - expected) // 1000)
                self._warned = True
        self._slack = STEP_MS
        return min(wall, self._accepted)

    async def run(self) -> None:
        """Write the accepted instant to the file periodically, until cancelled."""
        while True:
            self()
            kept = _Kept(self._accepted, self._rejected_for, self._boot, self._at_steady)
            try:
                await asyncio.to_thread(_write, self._file, orjson.dumps(kept))
            except OSError as error:  # a full disk: the next start accepts less
                _log.warning("clock.not_kept", file=str(self._file), error=str(error))
            await asyncio.sleep(_KEEP_SECONDS)


def _write(file: Path, content: bytes) -> None:
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content)
    draft.replace(file)


def _read(file: Path) -> _Kept | None:
    """Read the file; None where it is missing or unreadable."""
    try:
        kept = orjson.loads(file.read_bytes())
        boot, steady = kept.get("boot"), int(kept.get("steady") or 0)
        return _Kept(int(kept["believed"]), int(kept["doubted"]), boot, steady)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
