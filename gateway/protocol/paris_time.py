"""Dates in Europe/Paris: the day on which an offer ends and a rule applies. Pure."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
_QUARTER_MS = 15 * 60_000


def paris_date(milliseconds: int) -> str:
    """The calendar date (ISO 8601) in Europe/Paris at an instant given in milliseconds since 1970."""
    return _paris_date_of_quarter(milliseconds // _QUARTER_MS)


def paris_midnight(day: date) -> int:
    """The first instant of a day in Europe/Paris, in milliseconds since 1970."""
    return round(datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp() * 1_000)


@lru_cache(maxsize=64)
def _paris_date_of_quarter(quarter: int) -> str:
    """Time zones change their offset on whole quarters of an hour, so each has one date."""
    return datetime.fromtimestamp(quarter * _QUARTER_MS / 1_000, UTC).astimezone(PARIS).date().isoformat()
