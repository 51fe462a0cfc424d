"""View model of the school calendars: mandatory weeks with their days, holidays by zone, hours of presence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas.codelist import reference
from schemas.rulebook import Language
from schemas.texts import load_texts

ZONES = ("A", "B", "C")
Span = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week, its Monday and its Friday."""

    code: str
    days: Span


@dataclass(frozen=True, slots=True)
class Year:
    """A school year. ``when``: whether it is the ``current`` one, ``coming`` or ``past``. ``holidays``: by name, the
    first and last day per zone. ``basis``: how the weeks are known, and the holidays, in words; None without holidays.
    """

    name: str
    when: str
    days: Span
    weeks: Sequence[Week]
    basis: str
    holidays: Mapping[str, Mapping[str, Span]]
    holidays_basis: str | None
    hours: Mapping[str, Any]


@lru_cache(maxsize=8)
def school_years(language: Language, on: date) -> Sequence[Year]:
    """Every school year on file: the one that has not ended on a day, those after it, then past ones, latest first."""
    known = [_year(body, language, on) for body in reference("calendar")["items"]]
    past = [year for year in known if year.when == "past"]
    return [*(year for year in known if year.when != "past"), *reversed(past)]


def _year(body: Mapping[str, Any], language: Language, on: date) -> Year:
    marks = load_texts("schemas", "reference.json")["marks"]
    holidays: dict[str, dict[str, Span]] = {}
    for period in body["holidays"]["periods"]:
        for zone in period["zones"]:
            holidays.setdefault(period["name"][language], {})[zone] = _span(period["first"], period["last"])
    days = _span(body["first"], body["last"])
    return Year(
        name=body["school_year"],
        when="past" if days[1] < on else "coming" if on < days[0] else "current",
        days=days,
        weeks=[_week(code) for code in body["mandatory_weeks"]["weeks"]],
        basis=marks[body["mandatory_weeks"]["mark"]][language],
        holidays=holidays,
        holidays_basis=marks[body["holidays"]["mark"]][language] if holidays else None,
        hours=body["hours"],
    )


def _week(code: str) -> Week:
    monday = date.fromisocalendar(int(code[:4]), int(code[-2:]), 1)
    return Week(code, (monday, monday + timedelta(days=4)))


def _span(first: str, last: str) -> Span:
    return date.fromisoformat(first), date.fromisoformat(last)
