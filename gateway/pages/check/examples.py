"""Offers to try the page with: one that is accepted, one with mistakes. Their weeks are those of the next June."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files

from schemas.schoolyear import monday_of, years

EXAMPLES: Mapping[str, str] = {"right": "example_right.json", "mistakes": "example_mistakes.json"}
"""By the value of the parameter ``example`` of the page's address: the packaged file."""
_WEEKS, _YEAR = ("2027-W24", "2027-W25"), "2027-"
"""Of the files."""
_YEAR_OF_WEEKS = timedelta(weeks=52)


def example_of(name: str, on: date) -> str:
    """The text of an example, with mandatory weeks that begin after a day; empty for an unknown name."""
    if name not in EXAMPLES:
        return ""
    text = files(__package__).joinpath(EXAMPLES[name]).read_text(encoding="utf-8")
    mondays = _mondays(on)
    for written, monday in zip(_WEEKS, mondays, strict=True):
        year, number, _ = monday.isocalendar()
        text = text.replace(written, f"{year}-W{number:02}")
    return text.replace(_YEAR, f"{mondays[0].year}-")


def _mondays(on: date) -> Sequence[date]:
    """The Mondays of the next mandatory weeks after a day; beyond the calendars on file, of the same time of year."""
    known = [[monday for monday in map(monday_of, year.weeks) if monday is not None] for year in years()]
    for mondays in known:
        if mondays[0] > on:
            return mondays
    mondays = known[-1]
    while mondays[0] <= on:
        mondays = [monday + _YEAR_OF_WEEKS for monday in mondays]
    return mondays
