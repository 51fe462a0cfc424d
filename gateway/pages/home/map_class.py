"""The five classes of the map: their bounds for a season, the class of a department, the legend. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from schemas.packaged import read_json
from schemas.schoolyear import year_of

CLASSES = range(1, 6)
NO_OFFERS = 0


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A class with its least and greatest number of offers, None without a bound, and how many departments it has."""

    number: int
    least: int | None
    greatest: int | None
    departments: int


def bounds_for(total: int, on: date) -> tuple[int, ...]:
    """The least numbers of the classes two to five: those of the season, or of a federation of this size. A season
    without an entry takes the latest before it.
    """
    data = _data()
    small = next((step["bounds"] for step in data["small"] if total < step["below"]), None)
    if small is not None:
        return tuple(small)
    year = year_of(on)
    seasons = sorted(data["seasons"])
    past = [season for season in seasons if year is None or season <= year.name]
    return tuple(data["seasons"][(past or seasons[:1])[-1]])


def class_of(offers: int, bounds: Sequence[int]) -> int:
    """The class of a department, 1 to 5; 0 without offers."""
    return bisect_right(bounds, offers) + 1 if offers else NO_OFFERS


def legend(departments: Iterable[int], bounds: Sequence[int]) -> list[LegendEntry]:
    """Every class with its number of departments. Departments without offers have an entry of their own; without any,
    the first class has no least number.
    """
    found = Counter(class_of(offers, bounds) for offers in departments)
    least = 1 if found[NO_OFFERS] else None
    entries = [
        LegendEntry(
            number=number,
            least=least if number == 1 else bounds[number - 2],
            greatest=None if number == CLASSES[-1] else bounds[number - 1] - 1,
            departments=found[number],
        )
        for number in CLASSES
    ]
    if found[NO_OFFERS]:
        entries.insert(0, LegendEntry(NO_OFFERS, 0, 0, found[NO_OFFERS]))
    return entries


@cache
def _data() -> Any:
    return read_json("classes.json", package="gateway.pages.home")
