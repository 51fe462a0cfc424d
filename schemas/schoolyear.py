"""School years: mandatory weeks, holidays and hours; one data file per year, so a new year needs only a new file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Any

from schemas.packaged import names, read_json

FLIP = (7, 1)
"""Month and day from which the national site asks for the mandatory weeks of the next school year."""


@dataclass(frozen=True, slots=True, eq=False)
class Holiday:
    """One holiday of some zones; both days included."""

    name: Mapping[str, str]
    zones: frozenset[str]
    first: date
    last: date


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Limits of presence in minutes, and the hours of the day (HH:MM) between which pupils may be present."""

    day_minutes: int
    week_minutes: int
    days: int
    college_week_minutes: int
    college: tuple[str, str]
    seconde: tuple[str, str]
    break_after_minutes: int
    break_minutes: int


@dataclass(frozen=True, slots=True, eq=False)
class SchoolYear:
    """A school year from its first to its last day. ``weeks`` are the mandatory weeks of seconde."""

    name: str
    first: date
    last: date
    weeks: tuple[str, ...]
    holidays: tuple[Holiday, ...]
    hours: Hours


@cache
def years() -> tuple[SchoolYear, ...]:
    """All school years on file, in order."""
    return tuple(_read(read_json("calendar", f"{name}.json")) for name in names("calendar", ".json"))


def calendar_end() -> date:
    """The last day of the last school year on file."""
    return max(year.last for year in years())


def _read(body: dict[str, Any]) -> SchoolYear:
    return SchoolYear(
        name=body["school_year"],
        first=date.fromisoformat(body["first"]),
        last=date.fromisoformat(body["last"]),
        weeks=tuple(body["mandatory_weeks"]["weeks"]),
        holidays=tuple(
            Holiday(
                period["name"],
                frozenset(period["zones"]),
                date.fromisoformat(period["first"]),
                date.fromisoformat(period["last"]),
            )
            for period in body["holidays"]["periods"]
        ),
        hours=Hours(**{name: _span(value) for name, value in body["hours"].items() if name not in {"source", "mark"}}),
    )


def _span(value: Any) -> Any:
    """A number of minutes or days as it is, and the hours of the day as a pair."""
    return (value["earliest"], value["latest"]) if isinstance(value, dict) else value


def june_year(on: date) -> int:
    """The calendar year of the June whose mandatory weeks the national site asks for on a day."""
    return on.year + ((on.month, on.day) >= FLIP)


def years_ahead(june: int) -> list[SchoolYear]:
    """The school years on file that end in the June of that calendar year (``june_year``), or later."""
    return [year for year in years() if year.last.year >= june]


def is_beyond_file(day: date) -> bool:
    """Whether a day is after the last school year on file: its mandatory weeks are not known yet."""
    return day > years()[-1].last


@lru_cache(maxsize=1024)
def year_of(day: date) -> SchoolYear | None:
    """The school year of a day; None if it is not on file."""
    return next((year for year in years() if year.first <= day <= year.last), None)


@lru_cache(maxsize=1024)
def hours_for(day: date) -> Hours:
    """The hours of a day's school year; those of the latest year on file if it is not on file."""
    year = year_of(day) or years()[-1]
    return year.hours


@lru_cache(maxsize=1024)
def monday_of(week: str) -> date | None:
    """The Monday of an ISO week such as ``2027-W24``; None if that year has no such week."""
    try:
        return date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    except (ValueError, OverflowError):
        return None


def week_of(day: date) -> str:
    """The ISO week of a day, such as ``2027-W24``."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def holiday_of(week: str, zone: str) -> Holiday | None:
    """The holiday that covers the whole working week, Monday to Friday, in a zone; None if there is none."""
    monday = monday_of(week)
    if monday is None:
        return None
    friday = monday + timedelta(days=4)
    year = year_of(monday)
    return next(
        (
            holiday
            for holiday in (year.holidays if year else ())
            if zone in holiday.zones and holiday.first <= monday and friday <= holiday.last
        ),
        None,
    )
