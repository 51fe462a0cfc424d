"""The kit's only access to the system clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_PARIS = ZoneInfo("Europe/Paris")


def now() -> str:
    """The present time in UTC (RFC 3339, seconds)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251  # the clock itself


def today() -> date:
    """The present day in Europe/Paris; verdicts depend on it."""
    return datetime.now(_PARIS).date()  # noqa: TID251  # same


def milliseconds() -> int:
    """The present time in milliseconds since 1970."""
    return round(datetime.now(UTC).timestamp() * 1_000)  # noqa: TID251  # same
