"""The clocks of the client: the only module that reads them."""

import time

sleep = time.sleep
monotonic = time.monotonic
"""Seconds, for deadlines."""


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
