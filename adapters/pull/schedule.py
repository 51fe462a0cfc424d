"""When a platform's feed is due: by its profile, with jitter so that nine platforms do not come at one second. Pure."""

from adapters.profile.profile import Profile
from gateway.protocol.run import Run

JITTER_SHARE = 0.1
FULL_EVERY_MS = 24 * 3_600_000
"""A feed is read whole at least this often, though it says that it has not changed: rules depend on the day, and what
an operator did meanwhile is to be met again.
"""
ORDER_LIFE_MS = 10 * 60_000
"""How long an order waits for somebody to answer it."""


def due_at(last: Run | None, profile: Profile, *, jitter: float) -> int:
    """When the next run is to start (ms); ``jitter`` lies between 0 and 1. At once for a new or changed profile."""
    if last is None or last.profile != profile.digest:
        return 0
    return last.started_at + round(profile.every_ms * (1 + JITTER_SHARE * (2 * jitter - 1)))


def is_fresh(last: Run | None, profile: Profile, *, now: int) -> bool:
    """Whether a feed that has not changed since the last applied run needs no reading."""
    if last is None or last.applied_at is None or last.profile != profile.digest:
        return False
    return 0 <= now - last.applied_at < FULL_EVERY_MS
