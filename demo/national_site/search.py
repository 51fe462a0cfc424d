"""Search of the simulated site: filters and order."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from math import asin, cos, radians, sin, sqrt
from typing import Any, TypeAlias

from demo.national_site.body import sectors
from demo.national_site.framework import BrokenError, is_blank, leading_number, leading_whole
from demo.national_site.stock import Operator, SiteOffer, Stock, department_of
from demo.national_site.week import is_in_season, june_year, number_of, read_weeks

Filter: TypeAlias = Callable[[SiteOffer], bool]
_DEFAULT_RADIUS = 10_000
_EARTH = 6_371_008.8
"""Mean radius in metres."""
_RANKED = ("title", "description", "employer_description")
"""Texts for keyword search, by descending weight."""


def search(
    stock: Stock, operator: Operator, params: Mapping[str, Any], *, on: date, old: bool, cited: set[str]
) -> tuple[list[SiteOffer], dict[str, Any]]:
    """The rows found, and the parameters for links, with weeks and sectors as numbers. Raises BrokenError."""
    filters = {name: value for name, value in params.items() if not (old and name in {"weeks", "sectors", "grades"})}
    if filters.get("grades"):
        cited.add("search.grades")
        if stock.unknown.search_grades == "break":
            raise BrokenError("search.grades")
    if filters.get("weeks") is not None:
        weeks = read_weeks(_listed(filters["weeks"]), cited)
        filters["week_ids"] = [str(number_of(week)) for week in weeks]
        cited.add("search.weeks" if weeks else "search.weeks-unknown")
    if filters.get("sectors") is not None:
        filters["sector_ids"] = [_sector_number(code) for code in _listed(filters["sectors"])]
        cited.add("search.sectors")
    rows = [row for row in stock.live() if _is_listed(row, stock, operator, on=on, old=old, cited=cited)]
    for keep in _filters(filters, cited):
        rows = [row for row in rows if keep(row)]
    return _in_order(rows, filters, cited), filters


def _is_listed(row: SiteOffer, stock: Stock, operator: Operator, *, on: date, old: bool, cited: set[str]) -> bool:
    """Whether search includes a row; the rule that excludes it is cited."""
    if row.full:
        cited.add("search.seats")
        return False
    if not is_in_season(row.weeks, on, june_year(on, stock.unknown)):
        cited.add("search.season")
        return False
    if not row.open_data:
        cited.add("search.not-open-data" if old else "search.open-data")
        if not old:
            return False
    if operator.departments and department_of(row.zipcode or "") not in operator.departments:
        cited.add("search.departments")
        return False
    return True


def _filters(filters: Mapping[str, Any], cited: set[str]) -> Iterable[Filter]:
    words = _words(filters.get("keyword") or "") if isinstance(filters.get("keyword"), str) else []
    if words:
        cited.add("search.keyword")
        yield lambda row: all(_rank(row, word) is not None for word in words)
    numbers = _numbers(filters.get("sector_ids"))
    if numbers:
        cited.add("search.sector-ids")
        yield lambda row: _number_of_sector(row.sector) in numbers
    weeks = _numbers(filters.get("week_ids"))
    if weeks:
        cited.add("search.week-ids")
        yield lambda row: not weeks.isdisjoint(map(number_of, row.weeks))
    point = _point(filters)
    if point is not None:
        radius = leading_whole(filters["radius"]) if "radius" in filters else _DEFAULT_RADIUS
        cited.add("search.radius" if "radius" in filters else "search.default-radius")
        yield lambda row: row.coordinates is not None and _metres(point, row.coordinates) <= radius
    elif "latitude" in filters or "longitude" in filters:
        cited.add("search.half-position")


def _in_order(rows: list[SiteOffer], filters: Mapping[str, Any], cited: set[str]) -> list[SiteOffer]:
    point = _point(filters)
    if point is not None:
        cited.add("search.distance")
        return sorted(rows, key=lambda row: (_metres(point, row.coordinates or point), -row.id))
    words = _words(filters["keyword"]) if isinstance(filters.get("keyword"), str) else []
    if words:
        cited.add("search.keyword-order")
        return sorted(rows, key=lambda row: (sum(_rank(row, word) or 0 for word in words), row.id))
    cited.add("search.order")
    return rows


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BrokenError("search.one-value")
    return value


def _numbers(value: Any) -> frozenset[int]:
    return frozenset(map(leading_whole, value)) if isinstance(value, list) else frozenset()


def _sector_number(code: Any) -> str:
    number = _number_of_sector(code)
    if number is None:
        raise BrokenError("search.sector-unknown")
    return str(number)


def _number_of_sector(code: Any) -> int | None:
    codes = list(sectors())
    return codes.index(code) + 1 if code in codes else None


def _point(filters: Mapping[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = filters.get("latitude"), filters.get("longitude")
    if is_blank(latitude) or is_blank(longitude):
        return None
    return leading_number(latitude), leading_number(longitude)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    return letters.split()


def _rank(row: SiteOffer, word: str) -> int | None:
    """The index in ``_RANKED`` of the first text with a word of this prefix, or None."""
    for rank, name in enumerate(_RANKED):
        if any(other.startswith(word) for other in _words(getattr(row, name) or "")):
            return rank
    return None


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance on a sphere in metres; the database's, on an ellipsoid, differs by up to 0.5 %."""
    (north, east), (far_north, far_east) = (tuple(map(radians, point)) for point in (one, other))
    half = sin((far_north - north) / 2) ** 2 + cos(north) * cos(far_north) * sin((far_east - east) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(min(1.0, half)))
