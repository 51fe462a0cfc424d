"""Regions and departments of the public pages, and the map of a list's numbers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import schemas
from gateway.pages.base.wording import typographic
from gateway.pages.home.map_class import LegendEntry, bounds_for, class_of, legend
from gateway.pages.map.outlines import drawn_departments
from schemas.communes import plain_name


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTerritory:
    """A Region, or a department of one (``region``: its code, empty for a Region). ``departments``: the codes of those
    that it has, itself for a department.
    """

    code: str
    name: str
    region: str
    departments: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapArea:
    """A department on a map with its number of offers. ``map_class``: 0 to 5."""

    code: str
    name: str
    offers: int
    map_class: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMap:
    """The departments of a map, and its legend."""

    areas: Sequence[MapArea]
    legend: Sequence[LegendEntry]


@cache
def regions() -> Mapping[str, PublicTerritory]:
    """Regions and collectivities by code, in the order of their names."""
    departments = schemas.reference("departments")["items"]
    found = [
        PublicTerritory(
            code=item["code"],
            name=typographic(item["name"]),
            region="",
            departments=[one["code"] for one in departments if one["region"] == item["code"]],
        )
        for item in schemas.reference("regions")["items"]
    ]
    return {one.code: one for one in sorted(found, key=lambda one: plain_name(one.name))}


@cache
def departments() -> Mapping[str, PublicTerritory]:
    """Departments by code, in the order of the codes."""
    return {
        item["code"]: PublicTerritory(
            code=item["code"], name=typographic(item["name"]), region=item["region"], departments=[item["code"]]
        )
        for item in sorted(schemas.reference("departments")["items"], key=lambda one: str(one["code"]))
    }


def offer_map(counts: Mapping[str, int], on: date, *, within: Sequence[str] | None = None) -> OfferMap:
    """The map of numbers by department. ``within``: of these alone, in classes of their own."""
    drawn = drawn_departments() if within is None else drawn_departments() & frozenset(within)
    bounds = (
        bounds_for(sum(counts.values()), on)
        if within is None
        else _even_bounds(max((counts.get(code, 0) for code in drawn), default=0))
    )
    areas = [
        MapArea(code=code, name=one.name, offers=counts.get(code, 0), map_class=class_of(counts.get(code, 0), bounds))
        for code, one in departments().items()
        if code in drawn
    ]
    return OfferMap(areas=areas, legend=legend((one.offers for one in areas), bounds))


def _even_bounds(most: int) -> Sequence[int]:
    """The least numbers of the classes two to five, equally wide up to the largest number."""
    return [max(number + 1, -(-most * number // 5)) for number in range(1, 5)]
