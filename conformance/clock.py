"""The kit's only look at the clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_PARIS = ZoneInfo("Europe/Paris")


def now() -> str:
    """The time in UTC, as RFC 3339 writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251  # the one place


def today() -> date:
    """The day in Europe/Paris, on which verdicts are given."""
    return datetime.now(_PARIS).date()  # noqa: TID251  # same
