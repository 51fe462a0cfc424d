"""Weeks of the simulated site: the mandatory two, lenient parsing, and numbers."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from demo.national_site.framework import BrokenError, leading_whole
from demo.national_site.stock import Stock, Unknown, last_friday, monday_of_week
from schemas.schoolyear import week_of

_EXACT = re.compile(r"\d{4}-W\d{2}", re.ASCII)
_FIRST = date(2018, 12, 31)
"""Monday of the simulator's week number 1; the site's own numbers are not known."""


def june_year(on: date, unknown: Unknown) -> int:
    """The year of the June that applies on a day."""
    return on.year + (on.month >= (7 if unknown.flips_in == "july" else 8))


def mandatory_weeks(year: int) -> tuple[str, str]:
    """The two weeks of seconde in a year: those of June's last two Fridays."""
    end = date(year, 6, 30)
    friday = end - timedelta(days=(end.weekday() - 4) % 7)
    return week_of(friday - timedelta(days=7)), week_of(friday)


def mandatory_on(on: date, stock: Stock) -> tuple[str, str]:
    """The two weeks that the site requires on a day."""
    return mandatory_weeks(june_year(on, stock.unknown))


def read_weeks(weeks: Iterable[Any], cited: set[str]) -> tuple[str, ...]:
    """The existing weeks of a request, sorted, in the site's form (no padding). Raises BrokenError."""
    found = set()
    for week in weeks:
        monday = _read(week, cited)
        if monday is not None:
            found.add(monday)
    return tuple(map(_unpadded, sorted(found)))


def number_of(week: str) -> int:
    """The simulator's number for a week."""
    return (monday_of_week(week) - _FIRST).days // 7 + 1


@lru_cache(maxsize=4096)
def is_in_season(weeks: tuple[str, ...], on: date, year: int) -> bool:
    """Whether search includes offers of these weeks on a day; cached, as many offers share them."""
    last = int(mandatory_weeks(year)[1].partition("-W")[2])
    spring = any(int(week.partition("-W")[2]) <= last for week in weeks)
    friday = last_friday(weeks)
    return spring and friday is not None and on < friday


def _read(week: Any, cited: set[str]) -> date | None:
    """The Monday of a week as the site parses it: year before the first hyphen, number after it without W; None for a
    week that does not exist. Raises BrokenError.
    """
    if not isinstance(week, str) or "-" not in week:
        raise BrokenError("weeks.malformed")
    year, number = week.split("-")[:2]
    try:
        monday = date.fromisocalendar(leading_whole(year), leading_whole(number.replace("W", "")), 1)
    except ValueError:
        cited.add("weeks.unknown")
        return None
    if not _EXACT.fullmatch(week):
        cited.add("weeks.loose")
    return monday


def _unpadded(monday: date) -> str:
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number}"
