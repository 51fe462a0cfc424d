"""View model of the days of a platform: what it sent, and its refused and withdrawn offers, day by day. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from gateway.federation.refused import Refused
from gateway.protocol.refused_offers import REFUSED
from gateway.store.statistics import SubmissionCount

Kind: TypeAlias = Literal["", "blocked", "quiet"]
_SATURDAY = 5
WITHDRAWN = ("withdrawn",)
"""Verdicts that the statistics count; all others are received offers that were accepted or known already."""


@dataclass(frozen=True, slots=True)
class Band:
    """One series of the days: its total, its values in order, and the largest one with its day."""

    name: str
    kind: Kind
    values: Sequence[int]
    total: int
    most: int
    peak: date


@dataclass(frozen=True, slots=True)
class Days:
    """Consecutive days, whether each is of a weekend, and the bands."""

    days: Sequence[date]
    weekend: Sequence[bool]
    bands: Sequence[Band]


def days_of(counts: Sequence[SubmissionCount], *, first: date, last: date) -> Days:
    """The days from the first to the last, also those without a count. ``counts`` are by day and verdict."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    received, refused, withdrawn = Counter[str](), Counter[str](), Counter[str]()
    for count in counts:
        if count.day is None:
            continue
        if count.verdict in WITHDRAWN:
            withdrawn[count.day] += count.number
            continue
        received[count.day] += count.number
        if count.verdict in REFUSED:
            refused[count.day] += Refused.of(count).offers
    bands = (
        _band("received", "", received, days),
        _band("refused", "blocked", refused, days),
        _band("withdrawn", "quiet", withdrawn, days),
    )
    return Days(days, [one.weekday() >= _SATURDAY for one in days], bands)


def _band(name: str, kind: Kind, numbers: Mapping[str, int], days: Sequence[date]) -> Band:
    values = [numbers.get(day.isoformat(), 0) for day in days]
    most = max(values, default=0)
    return Band(name, kind, values, sum(values), most, days[values.index(most)])
