"""Offers to try the page with: one that is accepted, one with mistakes. Their weeks are those of the next June."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files

from schemas.schoolyear import monday_of, years

EXAMPLES: Mapping[str, str] = {"right": "example_right.json", "mistakes": "example_mistakes.json"}
"""By the value of the parameter ``example`` of the page's address: the packaged file."""
_WRITTEN = re.compile(r'"2027-W24"(, "2027-W25")?|2027-')
"""Of the files: both mandatory weeks, the first one alone, or the year of anything else."""
_YEAR_OF_WEEKS = timedelta(weeks=52)


def example_of(name: str, on: date) -> str:
    """The text of an example, with mandatory weeks that begin after a day; empty for an unknown name."""
    if name not in EXAMPLES:
        return ""
    return with_weeks(name, next_mondays(on, (year.weeks for year in years())))


def with_weeks(name: str, mondays: Sequence[date]) -> str:
    """The text of an example with the weeks of these Mondays, at least one."""
    text = files(__package__).joinpath(EXAMPLES[name]).read_text(encoding="utf-8")
    weeks = [f'"{year}-W{number:02}"' for year, number, _ in map(date.isocalendar, mondays)]

    def written(found: re.Match[str]) -> str:
        if not found[0].startswith('"'):
            return f"{mondays[0].year}-"
        return ", ".join(weeks) if found[1] else weeks[0]

    return _WRITTEN.sub(written, text)


def next_mondays(on: date, calendars: Iterable[Sequence[str]]) -> Sequence[date]:
    """The Mondays of the first weeks that begin after a day, of the calendars that have any; beyond the calendars, of
    the same time of year.
    """
    found = ([monday for monday in map(monday_of, weeks) if monday is not None] for weeks in calendars)
    known = [mondays for mondays in found if mondays]
    for mondays in known:
        if mondays[0] > on:
            return mondays
    mondays = known[-1]
    while mondays[0] <= on:
        mondays = [monday + _YEAR_OF_WEEKS for monday in mondays]
    return mondays
