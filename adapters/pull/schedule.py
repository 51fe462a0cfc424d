"""Schedule of feeds: due times by profile, backoff and jitter, which spreads the platforms' fetches. Pure."""

from adapters.profile.profile import Profile
from gateway.clock import STEP_MS
from gateway.protocol.source_run import Run

JITTER_SHARE = 0.1
FULL_EVERY_MS = 24 * 3_600_000
"""A feed is read completely at least this often, even if it is unchanged: rules depend on the day, and changes by an
operator must be reconciled.
"""
ORDER_LIFE_MS = 10 * 60_000
"""Lifetime of an unanswered order."""
LONGEST_BACKOFF_MS = 6 * 3_600_000
_MOST_DOUBLINGS = 3


def is_due(last: Run | None, profile: Profile, *, jitter: float, now: int, failures: int = 0) -> bool:
    """Return whether the next run is due at ``now`` (ms). ``jitter`` is between 0 and 1; ``failures`` counts the failed
    runs in a row.

    A run is due at once for a new or changed profile, and after a run from the future, when the clock was ahead.
    """
    if last is None or last.profile != profile.digest or last.started_at > now + STEP_MS:
        return True
    return now >= last.started_at + round(_pause(profile, failures) * (1 + JITTER_SHARE * (2 * jitter - 1)))


def _pause(profile: Profile, failures: int) -> int:
    """Return the milliseconds from the start of a run to the start of the next.

    This is the feed's period, doubled for each failure after the first, up to eight periods or six hours, and never
    less than the period.
    """
    backoff = profile.every_ms << min(max(0, failures - 1), _MOST_DOUBLINGS)
    return max(profile.every_ms, min(backoff, LONGEST_BACKOFF_MS))


def is_fresh(last: Run | None, profile: Profile, *, now: int) -> bool:
    """Return whether an unchanged feed need not be read again after the last applied run."""
    if last is None or last.applied_at is None or last.profile != profile.digest:
        return False
    return 0 <= now - last.applied_at < FULL_EVERY_MS
