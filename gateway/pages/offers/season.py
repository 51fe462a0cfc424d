"""The public offers of a territory by day, this school year against the last one, as two lines with axes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 720, 200
_SEPTEMBER = 9
_DAYS = 366
_STEPS = (1, 2, 5)
_MONTHS = range(0, 12, 2)
_LEAST_DAYS = 7
"""From so many days on the picture says something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """The picture. ``lines``: of the last season and of this one, each a list of points as SVG writes them, empty
    without one; ``months``: the places of first days of months; ``numbers``: heights of the lines of the scale, with
    their numbers; ``since``: the first day on file, today without any; ``begins``: the day of the first picture, None
    where there is one; ``rows``: the last day of each month with both numbers, None where one is not known.
    """

    lines: tuple[Sequence[str], Sequence[str]]
    months: Sequence[tuple[float, date]]
    numbers: Sequence[tuple[float, int]]
    since: date
    begins: date | None
    rows: Sequence[tuple[date, int | None, int | None]]


def season_of(history: Mapping[str, int], today: date, now: int) -> Season:
    """The picture of the days on file, the last of which is today with the number of this moment."""
    known = {date.fromisoformat(day): number for day, number in history.items()} | {today: now}
    first = _begin(today)
    before = _begin(first - timedelta(days=1))
    starts = (before, first)
    top = _scale(max(number for day, number in known.items() if day >= before))
    ends = (first, today + timedelta(days=1))
    lines = tuple([_line(known, start, end, top) for start, end in zip(starts, ends, strict=True)])
    return Season(
        lines=(lines[0], lines[1]),
        months=[(_x(month, first), month) for month in (_month(first, number) for number in _MONTHS)],
        numbers=[(_y(number, top), number) for number in sorted({0, top // 2, top})],
        since=min(known),
        begins=today + timedelta(days=_LEAST_DAYS - len(known)) if len(known) < _LEAST_DAYS else None,
        rows=_rows(known, first, today),
    )


def _begin(day: date) -> date:
    """The first of September before a day."""
    return date(day.year if day.month >= _SEPTEMBER else day.year - 1, _SEPTEMBER, 1)


def _month(first: date, number: int) -> date:
    at = first.month - 1 + number
    return date(first.year + at // 12, at % 12 + 1, 1)


def _scale(most: int) -> int:
    """The first round number that is not below, at least 2."""
    size = 1
    while True:
        for step in _STEPS:
            if step * size >= max(2, most):
                return step * size
        size *= 10


def _x(day: date, first: date) -> float:
    return round(WIDTH * (day - first).days / _DAYS, 1)


def _y(number: int, top: int) -> float:
    return round(HEIGHT - HEIGHT * number / top, 1)


def _line(known: Mapping[date, int], first: date, end: date, top: int) -> Sequence[str]:
    """The points of one season before a day, in pieces: a day that is not on file interrupts the line."""
    pieces: list[list[str]] = []
    before: date | None = None
    for day in sorted(one for one in known if first <= one < end):
        if before is None or day - before > timedelta(days=1):
            pieces.append([])
        pieces[-1].append(f"{_x(day, first)},{_y(known[day], top)}")
        before = day
    return [" ".join(piece) for piece in pieces]


def _rows(known: Mapping[date, int], first: date, today: date) -> Sequence[tuple[date, int | None, int | None]]:
    """The last day of each month of this season, or today, with its number and that of a year before."""
    ends = [_month(first, number) - timedelta(days=1) for number in range(1, 13)]
    days = [*(day for day in ends if day < today), today]
    found = []
    for day in days:
        year_before = day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
        found.append((day, known.get(day), known.get(year_before)))
    return [row for row in found if row[1] is not None or row[2] is not None]
