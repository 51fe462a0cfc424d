"""Towns in a reader's territory, beside it in the same regions, and outside those."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from schemas.communes import communes_of, known_postcodes
from schemas.territory import territories

TOWNS = 4
"""The number of towns of a kind."""


def departments_in(declared: object) -> Sequence[str]:
    """The departments of a territory: a list of INSEE codes, or a region's code; those of one region together."""
    known = territories().values()
    listed = declared if isinstance(declared, list | tuple) else ()
    inside = [one for one in known if one.region == declared or one.department in listed]
    return [one.department for one in sorted(inside, key=lambda one: (one.region, one.department))]


def town(kind: str, number: int, declared: object) -> Mapping[str, Any] | None:
    """Postcode and city of a town ``inside`` a territory, ``beside`` it in its regions (outside, where it holds them
    whole), or ``outside`` them. Numbers from 1 on go from one end of the departments to the other. None where there is
    no such town.
    """
    inside = departments_in(declared)
    regions = {territories()[code].region for code in inside}
    elsewhere = [one for one in departments_in(list(territories())) if one not in inside]
    beside = [one for one in elsewhere if territories()[one].region in regions]
    outside = [one for one in elsewhere if one not in beside]
    departments = {"inside": inside, "beside": beside or outside, "outside": outside}[kind]
    if not inside or not departments or not 1 <= number <= TOWNS:
        return None
    return _town_of(departments[(number - 1) * (len(departments) - 1) // (TOWNS - 1)])


@cache
def _town_of(department: str) -> Mapping[str, str]:
    """The first town of a department by its postcode, which serves no other department."""
    begins = "20" if department in {"2A", "2B"} else department
    code = next(one for one in known_postcodes() if one.startswith(begins) and _departments_of(one) == {department})
    return {"postal_code": code, "city": communes_of(code)[0].name}


def _departments_of(postcode: str) -> Collection[str]:
    return {commune.department for commune in communes_of(postcode)}
