"""The wall clock: the one place that reads it, so that everything else takes time as an argument."""

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Gives the present instant in milliseconds since 1970."""


def now() -> int:
    """The present instant in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
