"""Rules on hours of presence; the limits belong to the school year.

Hours are in order (OFR-029), within the limits of a day and a week (OFR-030), with a break (OFR-031), and at times when
pupils may be present (OFR-032).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import orjson

from schemas.offer_field import DAYS
from schemas.rulebook import Problem, problem
from schemas.rules.week import COLLEGE, span_of
from schemas.schoolyear import Hours, hours_for
from schemas.territory import Territory


def find(offer: Mapping[str, Any], on: date, _territory: Territory | None) -> tuple[Problem, ...]:
    """Problems of the hours. Cached: platforms use few distinct timetables."""
    schedule = offer.get("schedule")
    if schedule is None:
        return ()
    span = span_of(tuple(offer.get("weeks", ())))
    last_day = on if span is None else span.last_day
    return _find(orjson.dumps(schedule), frozenset(offer.get("levels", ())), hours_for(last_day))


@lru_cache(maxsize=1024)
def _find(packed: bytes, levels: frozenset[str], hours: Hours) -> tuple[Problem, ...]:
    schedule: dict[str, Any] = orjson.loads(packed)
    days = {day: schedule[day] for day in DAYS if day in schedule}
    college = not COLLEGE.isdisjoint(levels)
    found = [one for day, spell in days.items() for one in _find_in_day(day, spell, college=college, hours=hours)]
    if not any(one.code in ("hours-reversed", "break-too-long") for one in found):
        found.extend(_find_in_week(days, college=college, hours=hours))
    return tuple(found)


def _find_in_day(day: str, spell: dict[str, Any], *, college: bool, hours: Hours) -> Iterator[Problem]:
    pointer = f"/schedule/{day}"
    start, end, pause = spell["start"], spell["end"], spell.get("break_minutes")
    length = _minutes(end) - _minutes(start)
    if length <= 0:
        yield problem("hours-reversed", pointer=f"{pointer}/end", expected=start, actual=end)
        return
    if pause is not None and pause >= length:
        yield problem("break-too-long", pointer=f"{pointer}/break_minutes", expected=length, actual=pause)
        return
    net = length - (pause or 0)
    if net > hours.day_minutes:
        code = "day-maybe-too-long" if pause is None else "day-too-long"
        yield problem(code, pointer=pointer, expected=_spoken(hours.day_minutes), actual=_spoken(net))
    if pause is not None and length > hours.break_after_minutes and pause < hours.break_minutes:
        yield problem("break-too-short", pointer=f"{pointer}/break_minutes", expected=hours.break_minutes, actual=pause)
    earliest, latest = hours.college if college else hours.seconde
    if start < earliest or end > latest:
        yield problem("hours-at-night", pointer=pointer, expected=f"{earliest}–{latest}", actual=f"{start}–{end}")


def _find_in_week(days: dict[str, dict[str, Any]], *, college: bool, hours: Hours) -> Iterator[Problem]:
    known = all("break_minutes" in spell for spell in days.values())
    net = sum(
        _minutes(spell["end"]) - _minutes(spell["start"]) - spell.get("break_minutes", 0) for spell in days.values()
    )
    if len(days) > hours.days:
        yield problem("too-many-days", pointer="/schedule", expected=hours.days, actual=len(days))
    if net > hours.week_minutes:
        code = "week-too-long" if known else "week-maybe-too-long"
        yield problem(code, pointer="/schedule", expected=_spoken(hours.week_minutes), actual=_spoken(net))
    elif college and net > hours.college_week_minutes:
        expected = _spoken(hours.college_week_minutes)
        yield problem("college-week-too-long", pointer="/schedule", expected=expected, actual=_spoken(net))


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _spoken(minutes: float) -> str:
    whole, rest = divmod(int(minutes), 60)
    return f"{whole} h {rest:02}" if rest else f"{whole} h"
