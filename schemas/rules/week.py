"""Rules on the levels, the weeks, the stay and the end of an offer.

Weeks exist (OFR-023), are not too far ahead (OFR-024), allow the stay (OFR-025) and fit the school calendar (OFR-026,
OFR-027); the end of the offer is within its bounds (OFR-040, OFR-041).
A restriction fits the levels (OFR-033).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

from schemas.bilingual import Bilingual
from schemas.rulebook import Problem, problem
from schemas.schoolyear import holiday_of, monday_of, year_of
from schemas.territory import Territory

COLLEGE = frozenset({"quatrieme", "troisieme"})
MAX_DAYS_AHEAD = 400
LONG_STAY = 2
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class WeekSpan:
    """Summary of an offer's weeks: the Sunday of the last one, and whether two are consecutive."""

    last_day: date
    consecutive: bool


@lru_cache(maxsize=4096)
def span_of(weeks: tuple[str, ...]) -> WeekSpan | None:
    """The span of well-formed weeks; None if none of them exists."""
    days = sorted(monday.toordinal() for monday in map(monday_of, weeks) if monday is not None)
    if not days:
        return None
    consecutive = any(later - earlier == 7 for earlier, later in pairwise(days))
    return WeekSpan(date.fromordinal(days[-1] + _SUNDAY), consecutive)


def default_stay(levels: list[str], weeks: list[str]) -> int:
    """Default length of a stay, in weeks: two for seconde if the offer has two consecutive weeks, else one."""
    span = span_of(tuple(weeks))
    return LONG_STAY if "seconde" in levels and span is not None and span.consecutive else 1


def default_end(weeks: list[str]) -> str:
    """Default last day of an offer: the Sunday of its last week."""
    span = span_of(tuple(weeks))
    if span is None:
        raise ValueError("an accepted offer has real weeks")
    return span.last_day.isoformat()


def find(offer: Mapping[str, Any], on: date, territory: Territory | None) -> tuple[Problem, ...]:
    """Problems of the weeks. Cached: most offers share their weeks with many others."""
    return _find(
        tuple(offer.get("weeks", ())),
        tuple(offer.get("levels", ())),
        offer.get("stay_weeks"),
        offer.get("expires_on"),
        None if territory is None else territory.zone,
        on,
    )


@lru_cache(maxsize=8192)
def _find(
    weeks: tuple[str, ...],
    levels: tuple[str, ...],
    stay: float | None,
    expires_on: str | None,
    zone: str | None,
    on: date,
) -> tuple[Problem, ...]:
    span = span_of(weeks)
    return (
        *_find_unreal(weeks),
        *(_find_stay(span, levels, stay) if span else ()),
        *_find_end(span, expires_on, on),
        *(_find_outside(weeks) if levels == ("seconde",) else ()),
        *(_find_holidays(weeks, zone) if zone else ()),
    )


def _find_unreal(weeks: tuple[str, ...]) -> Iterator[Problem]:
    for index, week in enumerate(weeks):
        if monday_of(week) is None:
            yield problem("week-unreal", pointer=f"/weeks/{index}", actual=week, year=week[:4])


def _find_stay(span: WeekSpan, levels: tuple[str, ...], stay: float | None) -> Iterator[Problem]:
    if stay != LONG_STAY:
        return
    if not span.consecutive:
        yield problem("stay-without-weeks", pointer="/stay_weeks", expected=1, actual=LONG_STAY)
    if levels and "seconde" not in levels:
        yield problem("stay-too-long", pointer="/stay_weeks", expected=1, actual=LONG_STAY)


def _find_end(span: WeekSpan | None, expires_on: str | None, on: date) -> Iterator[Problem]:
    if span is not None and (span.last_day - on).days > MAX_DAYS_AHEAD:
        latest = date.fromordinal(on.toordinal() + MAX_DAYS_AHEAD).isoformat()
        yield problem("week-too-far", pointer="/weeks", expected=latest, actual=span.last_day.isoformat())
    if expires_on is None:
        if span is not None and span.last_day < on:
            yield problem("expired", pointer="/weeks", expected=on.isoformat(), actual=span.last_day.isoformat())
        return
    end = date.fromisoformat(expires_on)
    if end < on:
        yield problem("expired", pointer="/expires_on", expected=on.isoformat(), actual=expires_on)
    elif (end - on).days > MAX_DAYS_AHEAD:
        latest = date.fromordinal(on.toordinal() + MAX_DAYS_AHEAD).isoformat()
        yield problem("expiry-too-far", pointer="/expires_on", expected=latest, actual=expires_on)
    elif span is not None and end > span.last_day:
        yield problem(
            "expiry-after-weeks", pointer="/expires_on", expected=span.last_day.isoformat(), actual=expires_on
        )


def _find_outside(weeks: tuple[str, ...]) -> Iterator[Problem]:
    for index, week in enumerate(weeks):
        monday = monday_of(week)
        year = None if monday is None else year_of(monday)
        if year is not None and week not in year.weeks:
            yield problem(
                "week-outside-period", pointer=f"/weeks/{index}", expected=list(year.weeks), actual=week, year=year.name
            )


def _find_holidays(weeks: tuple[str, ...], zone: str) -> Iterator[Problem]:
    for index, week in enumerate(weeks):
        holiday = holiday_of(week, zone)
        if holiday is not None:
            yield problem(
                "week-in-holidays",
                pointer=f"/weeks/{index}",
                actual=week,
                zone=zone,
                holiday=Bilingual(holiday.name["en"], holiday.name["fr"]),
            )


def find_unreachable(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Restrictions that no pupil of the offer's levels can meet."""
    restrictions, levels = offer.get("restrictions"), offer.get("levels")
    found: list[Problem] = []
    if not restrictions or not levels:
        return found
    if restrictions.get("rep") and COLLEGE.isdisjoint(levels):
        found.append(problem("rep-without-college", pointer="/restrictions/rep", expected=sorted(COLLEGE)))
    if restrictions.get("qpv") and "seconde" not in levels:
        found.append(problem("qpv-without-seconde", pointer="/restrictions/qpv", expected="seconde"))
    return found
