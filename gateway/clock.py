"""The clocks: the only module that reads them; all other code takes the time as an argument.

The wall clock may jump, so that a stored instant may be in the future later. Durations within one process are measured
with the steady clock.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Returns the current time in milliseconds since 1970."""

STEP_MS = 60_000
"""A clock that goes back by at most this is being adjusted; by more, it has been set."""
CLOCKS_MS = 60_000
"""The clocks of two machines may differ by so much."""


def now() -> int:
    """The current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def steady() -> int:
    """Monotonic time in milliseconds, from an unspecified start; never goes back and never jumps."""
    return time.monotonic_ns() // 1_000_000


def boot() -> str | None:
    """The id of the machine's current boot, from which ``steady`` counts in every process; None if unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() or None
    except OSError:
        return None


def append_time(at: int, last: int) -> int:
    """The timestamp (ms) of a log's next records, from the clock (``at``) and the last records' timestamp.

    Timestamps do not decrease while the clock is being adjusted. When a clock that was ahead has been set back, they
    follow it; otherwise records would be judged by a future day until the real time has caught up.
    """
    return last if 0 < last - at <= STEP_MS else at
