"""When a platform's feed is due: by its profile, with jitter so that nine platforms do not come at one second. Pure."""

from adapters.profile.profile import Profile
from gateway.clock import STEP_MS
from gateway.protocol.run import Run

JITTER_SHARE = 0.1
FULL_EVERY_MS = 24 * 3_600_000
"""A feed is read whole at least this often, though it says that it has not changed: rules depend on the day, and what
an operator did meanwhile is to be met again.
"""
ORDER_LIFE_MS = 10 * 60_000
"""How long an order waits for somebody to answer it."""
LONGEST_BACKOFF_MS = 6 * 3_600_000
_MOST_DOUBLINGS = 3


def is_due(last: Run | None, profile: Profile, *, jitter: float, now: int, failures: int = 0) -> bool:
    """Whether the next run is to start; ``jitter`` lies between 0 and 1, ``failures`` counts the last runs that failed
    one after the other. At once for a new or changed profile, and after a run from the future: the clock was ahead.
    """
    if last is None or last.profile != profile.digest or last.started_at > now + STEP_MS:
        return True
    return now >= last.started_at + round(_pause(profile, failures) * (1 + JITTER_SHARE * (2 * jitter - 1)))


def _pause(profile: Profile, failures: int) -> int:
    """Milliseconds from the start of a run to the start of the next: the feed's period, doubled for each failure after
    the first, up to eight periods or six hours, and never less than the period.
    """
    backoff = profile.every_ms << min(max(0, failures - 1), _MOST_DOUBLINGS)
    return max(profile.every_ms, min(backoff, LONGEST_BACKOFF_MS))


def is_fresh(last: Run | None, profile: Profile, *, now: int) -> bool:
    """Whether a feed that has not changed since the last applied run needs no reading."""
    if last is None or last.applied_at is None or last.profile != profile.digest:
        return False
    return 0 <= now - last.applied_at < FULL_EVERY_MS
