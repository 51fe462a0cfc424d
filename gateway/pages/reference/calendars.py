"""View model of the school calendars: mandatory weeks with their days, holidays by zone, hours of presence."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas.codelist import reference
from schemas.rulebook import Language
from schemas.texts import load_texts

ZONES = ("A", "B", "C")
Span = tuple[date, date]


@lru_cache(maxsize=8)
def school_years(language: Language, on: date) -> Sequence[Mapping[str, Any]]:
    """Every school year on file: the one that has not ended on a day, those after it, then past ones, latest first."""
    known = [_year(body, language, on) for body in reference("calendar")["items"]]
    past = [year for year in known if year["when"] == "past"]
    return [*(year for year in known if year["when"] != "past"), *reversed(past)]


def _year(body: Mapping[str, Any], language: Language, on: date) -> Mapping[str, Any]:
    """A school year. ``when``: whether it is the ``current`` one, ``coming`` or ``past``; ``weeks``: code, Monday and
    Friday; ``holidays``: by name, the first and last day per zone; how the weeks are known, and the holidays, in words.
    """
    marks = load_texts("schemas", "reference.json")["marks"]
    holidays: dict[str, dict[str, Span]] = {}
    for period in body["holidays"]["periods"]:
        for zone in period["zones"]:
            holidays.setdefault(period["name"][language], {})[zone] = _span(period["first"], period["last"])
    days = _span(body["first"], body["last"])
    mondays = {
        code: date.fromisocalendar(int(code[:4]), int(code[-2:]), 1) for code in body["mandatory_weeks"]["weeks"]
    }
    return {
        "name": body["school_year"],
        "when": "past" if days[1] < on else "coming" if on < days[0] else "current",
        "days": days,
        "weeks": [(code, (monday, monday + timedelta(days=4))) for code, monday in mondays.items()],
        "basis": marks[body["mandatory_weeks"]["mark"]][language],
        "holidays": holidays,
        "holidays_basis": marks[body["holidays"]["mark"]][language] if holidays else None,
        "hours": body["hours"],
    }


def _span(first: str, last: str) -> Span:
    return date.fromisoformat(first), date.fromisoformat(last)
