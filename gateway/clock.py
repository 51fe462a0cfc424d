"""The clocks: the one place that reads them, so that everything else takes time as an argument.

The wall clock may jump: an instant that was noted may lie in the future later on. What only measures how long ago
something was, within one process, takes the steady clock.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Gives the present instant in milliseconds since 1970."""

STEP_MS = 60_000
"""A clock that goes back by no more than this is being adjusted; by more, it has been set."""


def now() -> int:
    """The present instant in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def steady() -> int:
    """Milliseconds since some instant before the process began; never goes back and never jumps."""
    return time.monotonic_ns() // 1_000_000


def boot() -> str | None:
    """Names the start of this machine, from which ``steady`` counts in every process; None where it is not known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() or None
    except OSError:
        return None


def append_time(at: int, last: int) -> int:
    """The time (ms) that a log gives to its next records, from the clock's and from that of the last ones.

    Times do not fall while the clock is being adjusted. When it was ahead and has been set right, they follow it: what
    bears the time of a clock that was ahead would be judged by that day until the real time has caught up.
    """
    return last if 0 < last - at <= STEP_MS else at
