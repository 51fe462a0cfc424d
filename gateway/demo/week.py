"""Weeks for generated offers: future weeks of the current school year, without school holidays."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from schemas.schoolyear import SchoolYear, holiday_of, years

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """``seconde``: the two mandatory weeks of seconde. ``college``: weeks open to collèges, by zone of school holidays.
    ISO weeks, all at least a week after the day asked about.
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
        zone: tuple(week for week in map(_iso, mondays) if zone is None or holiday_of(week, zone) is None)
        for zone in ("A", "B", "C", None)
    }
    seconde = (_iso(june), _iso(june + _WEEK))
    return Calendar(seconde, {zone: weeks or seconde for zone, weeks in college.items()})


def _mandatory_after(day: date) -> date:
    """The first Monday of the next mandatory weeks: from the calendars on file, else by their rule, the last two full
    weeks before 1 July.
    """
    known = sorted(_first_monday(year) for year in years())
    later = [monday for monday in known if monday > day]
    if later:
        return later[0]
    year = day.year if _by_rule(day.year) > day else day.year + 1
    return _by_rule(year)


def _first_monday(year: SchoolYear) -> date:
    week = year.weeks[0]
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)


def _by_rule(year: int) -> date:
    last = date(year, 6, 30)
    # The last Friday in June ends the second week; Saturday and Sunday after it may be in July.
    friday = last - timedelta(days=(last.weekday() - 4) % 7)
    return friday - timedelta(days=11)


def _mondays(first: date, end: date) -> list[date]:
    monday = first + timedelta(days=-first.weekday() % 7)
    found = []
    while monday < end:
        found.append(monday)
        monday += _WEEK
    return found


def _iso(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"
