"""Weeks for generated offers: future weeks of the current school year, without school holidays."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from demo.national_site.week import mandatory_weeks
from schemas.schoolyear import holiday_of, monday_of, week_of, years

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """``seconde``: the two mandatory weeks of seconde. ``college``: weeks open to collèges, by zone of school holidays.
    ISO weeks, all at least a week after that day.
    """

    seconde: tuple[str, str]
    college: dict[str | None, tuple[str, ...]]


@lru_cache(maxsize=8)
def calendar_on(day: date) -> Calendar:
    """The weeks that a publisher can offer on a day."""
    june = _mandatory_after(day + _WEEK)
    first = max(day + _WEEK, date(june.year - 1, 9, 14))
    mondays = _mondays(first, june)
    college = {
        zone: tuple(week for week in map(week_of, mondays) if zone is None or holiday_of(week, zone) is None)
        for zone in ("A", "B", "C", None)
    }
    seconde = (week_of(june), week_of(june + _WEEK))
    return Calendar(seconde, {zone: weeks or seconde for zone, weeks in college.items()})


def _mandatory_after(day: date) -> date:
    """The first Monday of the next mandatory weeks: from the calendars on file, else by the national site's rule."""
    by_rule = (mandatory_weeks(day.year), mandatory_weeks(day.year + 1))
    mondays = (monday_of(weeks[0]) for weeks in (*(year.weeks for year in years()), *by_rule))
    return next(monday for monday in mondays if monday is not None and monday > day)


def _mondays(first: date, end: date) -> list[date]:
    monday = first + timedelta(days=-first.weekday() % 7)
    found = []
    while monday < end:
        found.append(monday)
        monday += _WEEK
    return found
