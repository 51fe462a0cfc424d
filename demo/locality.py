"""Localities for generated offers: real communes with their postcodes, by department; some cities with coordinates."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from schemas.communes import communes_of, known_postcodes
from schemas.territory import territories

_COORDINATES = MappingProxyType(
    {
        "06000": (43.7, 7.26),
        "13001": (43.3, 5.37),
        "14000": (49.18, -0.37),
        "21000": (47.32, 5.04),
        "25000": (47.24, 6.02),
        "29200": (48.39, -4.49),
        "31000": (43.6, 1.44),
        "33000": (44.84, -0.58),
        "34000": (43.61, 3.88),
        "35000": (48.11, -1.68),
        "38000": (45.19, 5.72),
        "44000": (47.22, -1.55),
        "45000": (47.9, 1.91),
        "49000": (47.47, -0.55),
        "51100": (49.26, 4.03),
        "59000": (50.63, 3.06),
        "63000": (45.78, 3.08),
        "67000": (48.57, 7.75),
        "69003": (45.76, 4.85),
        "75011": (48.86, 2.38),
        "76000": (49.44, 1.1),
        "80000": (49.89, 2.3),
        "86000": (46.58, 0.34),
        "87000": (45.83, 1.26),
        "92000": (48.89, 2.2),
    }
)
"""Postcode → latitude and longitude of the city, in degrees, rounded to about a kilometre."""


@dataclass(frozen=True, slots=True)
class OfferLocality:
    """A commune under one of its postcodes. ``zone`` is its zone of school holidays (A, B, C), None where it has none;
    ``coordinates`` are latitude and longitude (WGS 84), for cities that have them.
    """

    postal_code: str
    city: str
    insee_commune: str
    zone: str | None
    coordinates: tuple[float, float] | None


def localities_in(departments: Iterable[str]) -> tuple[OfferLocality, ...]:
    """The localities of these departments (INSEE codes), ordered by department and postcode."""
    return tuple(one for department in sorted(departments) for one in _by_department().get(department, ()))


@cache
def _by_department() -> dict[str, list[OfferLocality]]:
    found: dict[str, list[OfferLocality]] = {}
    for postal_code in known_postcodes():
        if postal_code.startswith(("975", "986", "98000")):
            continue  # not deliverable to the national site: each offer would get a warning
        for commune in communes_of(postal_code):
            territory = territories().get(commune.department)
            if territory is not None:
                locality = OfferLocality(
                    postal_code, commune.name, commune.code, territory.zone, _COORDINATES.get(postal_code)
                )
                found.setdefault(commune.department, []).append(locality)
    return found
