"""Seconde at the national site: both mandatory weeks of the year in force there, or one by its old interface."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from adapters.national.mapping.deliverability import NotDeliverable, Past, Waiting
from adapters.national.mapping.week import taken_from, year_in_force
from schemas.rulebook import Problem, problem
from schemas.rules.week import LONG_STAY
from schemas.schoolyear import SchoolYear, years, years_asked_for


@dataclass(frozen=True, slots=True)
class TwoWeeks:
    """A stay of both mandatory weeks; ``weeks`` are all that the part offers."""

    weeks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneWeek:
    """A stay of one mandatory week, which the old interface calls ``period`` 1 or 2."""

    period: int
    week: str


Stay: TypeAlias = TwoWeeks | OneWeek | Waiting | Past | NotDeliverable


def weigh_stay(offer: Mapping[str, Any], *, on: date, split: bool, one_week: bool) -> Stay:
    """The form in which the site takes the seconde of an offer on a day. ``split``: pupils of collège have the other
    weeks; ``one_week``: the old interface may be used.
    """
    weeks = tuple(sorted(offer["weeks"]))
    long = offer["stay_weeks"] == LONG_STAY
    fitting = [year for year in years() if _fits(year, weeks, long=long, one_week=one_week)]
    year = year_in_force(on)
    if year is not None and year in fitting:
        shared = _shared(year, weeks)
        return TwoWeeks(shared if split else weeks) if long else OneWeek(year.weeks.index(shared[0]) + 1, shared[0])
    later = [taken_from(year) for year in fitting if taken_from(year) > on]
    if later:
        return Waiting(min(later))
    obstacle = (_obstacle(weeks, on),)
    return Past(obstacle) if fitting else NotDeliverable(obstacle)


def _fits(year: SchoolYear, weeks: tuple[str, ...], *, long: bool, one_week: bool) -> bool:
    shared = _shared(year, weeks)
    return shared == year.weeks if long else one_week and len(shared) == 1


def _shared(year: SchoolYear, weeks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(week for week in year.weeks if week in weeks)


def _obstacle(weeks: tuple[str, ...], on: date) -> Problem:
    """Why the site takes no seconde with these weeks from a day on: a one-week stay, or missing weeks."""
    ahead = years_asked_for(on)
    if any(_shared(year, weeks) == year.weeks for year in ahead):
        return problem("not-deliverable:one-week-stay", pointer="/stay_weeks", expected=2, actual=1)
    touched = [year for year in ahead if _shared(year, weeks)] or list(ahead[:1]) or [years()[-1]]
    return problem("not-deliverable:mandatory-weeks", pointer="/weeks", expected=list(touched[-1].weeks))
