"""Numbers between bounds, whole or not: the one that is nearest to zero. 2.0 is a whole number, as in the verdict."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any, TypeAlias

End: TypeAlias = tuple[float, bool] | None
"""A bound, and whether it is itself outside; None: no bound."""


def nearest(low: End, high: End, *, whole: bool | None, kept: Sequence[Any] | None, excluded: Sequence[Any]) -> Any:
    """A number within the ends, whole, not whole, or either; one of those kept, and none of those excluded. None if
    there is none.
    """
    candidates = kept if kept is not None else _whole(low, high, len(excluded)) if whole else _dense(low, high, whole)
    fits = (
        one
        for one in candidates
        if _within(one, low, high)
        and one not in excluded
        and (whole is None or (isinstance(one, int) or one.is_integer()) is whole)
    )
    return next(iter(sorted(fits, key=abs)), None)


def _within(one: float, low: End, high: End) -> bool:
    above = low is None or one > low[0] or (one == low[0] and not low[1])
    return above and (high is None or one < high[0] or (one == high[0] and not high[1]))


def _whole(low: End, high: End, more: int) -> Iterator[int]:
    """Whole numbers near each end and near zero: one more than are excluded."""
    for start in (0, None if low is None else ceil(low[0]), None if high is None else floor(high[0])):
        if start is not None:
            yield from range(start - more - 1, start + more + 2)


def _dense(low: End, high: End, whole: bool | None) -> Iterator[float]:  # noqa: FBT001 - None, too
    """Numbers at each end, and some between them."""
    bottom = Fraction(low[0]) if low else min(Fraction(-1), Fraction(high[0]) - 1 if high else Fraction(-1))
    top = Fraction(high[0]) if high else max(Fraction(1), bottom + 2)
    if whole is None:
        yield from _whole(low, high, 2)
    yield from (end[0] for end in (low, high) if end)
    for parts in (2, 3, 7, 64, 1021):
        yield from (float(bottom + (top - bottom) * step / parts) for step in range(1, parts))
