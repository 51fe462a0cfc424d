"""Weeks in the site's formats, and the school year in force there.

The site takes ``2027-W09``, answers writes with ``2027-W9``, and reads with ``du 01/03/2027 au 05/03/2027``.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from schemas.schoolyear import FLIP, SchoolYear, june_year, monday_of, week_of, years

_WEEK = re.compile(r"([0-9]{4})-W([0-9]{1,2})", re.ASCII)
_SPAN = re.compile(r"du ([0-9]{2})/([0-9]{2})/([0-9]{4}) au [0-9]{2}/[0-9]{2}/[0-9]{4}")


def year_in_force(on: date) -> SchoolYear | None:
    """The school year whose mandatory weeks the site asks for on a day; None when it is not on file."""
    return next((year for year in years() if year.last.year == june_year(on)), None)


def taken_from(year: SchoolYear) -> date:
    """The first day on which the site takes offers for the mandatory weeks of a school year."""
    return date(year.last.year - 1, *FLIP)


def parse_week(text: str) -> str | None:
    """An ISO week, padded or not, in padded form: ``2025-W1`` becomes ``2025-W01``. None if it does not exist."""
    found = _WEEK.fullmatch(text)
    week = f"{found[1]}-W{int(found[2]):02}" if found else ""
    return week if found and monday_of(week) else None


@lru_cache(maxsize=1024)
def parse_spans(text: str) -> tuple[str, ...] | None:
    """The weeks of ``du 16/06/2025 au 20/06/2025, …``, sorted; None for another form. Many offers share them."""
    weeks = [_week_of_span(span.strip()) for span in text.split(",")] if text.strip() else []
    found = [week for week in weeks if week is not None]
    return tuple(sorted(set(found))) if len(found) == len(weeks) else None


def _week_of_span(span: str) -> str | None:
    found = _SPAN.fullmatch(span)
    try:
        return week_of(date(int(found[3]), int(found[2]), int(found[1]))) if found else None
    except ValueError:
        return None


def real(weeks: Iterable[str]) -> tuple[str, ...]:
    """The existing ones of these weeks, padded and sorted."""
    return tuple(sorted({week for week in map(parse_week, weeks) if week is not None}))
