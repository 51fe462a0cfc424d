"""The location: territory and contradictions (OFR-018, OFR-019), coordinates (OFR-020, OFR-021)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.folding import visible
from schemas.rulebook import Problem, problem
from schemas.territory import Territory, TerritoryMatch, apart, covering, locate

_NULL_ISLAND_DEGREES = 0.1


def match_territory(offer: Mapping[str, Any]) -> TerritoryMatch:
    """Territory and problems of an offer whose postcode and city, and INSEE code if any, are well formed."""
    location = offer["location"]
    city = location["city"]
    if not city.isprintable():
        city = visible(city)
    return locate(location["postal_code"], city, location.get("insee_commune"))


def find_territory(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> tuple[Problem, ...]:
    """Codes that name no territory or contradict each other."""
    return match_territory(offer).problems


def find_coordinates(offer: Mapping[str, Any], _on: date, territory: Territory | None) -> tuple[Problem, ...]:
    """Coordinates outside France, or in another part of it than the territory."""
    location = offer.get("location", {})
    if "latitude" not in location:
        return ()
    wrong = _find_misplaced(location["latitude"], location["longitude"], territory)
    return () if wrong is None else (wrong,)


def _find_misplaced(latitude: float, longitude: float, territory: Territory | None) -> Problem | None:
    departments = covering(latitude, longitude)
    actual = f"{latitude}, {longitude}" if departments is None else ""
    if departments is None and max(abs(latitude), abs(longitude)) < _NULL_ISLAND_DEGREES:
        return problem("coordinates-null-island", pointer="/location/latitude", actual=actual)
    if departments is None:
        # Swapped numbers are the usual reason: reported if swapping them back helps.
        swapped = abs(longitude) <= 90 and covering(longitude, latitude) is not None
        code = "coordinates-swapped" if swapped else "coordinates-abroad"
        return problem(code, pointer="/location/latitude", actual=actual)
    if territory is None:
        return None
    department = territory.department
    if (department not in departments) if apart(department) else departments:
        actual = f"{latitude}, {longitude}"
        return problem("coordinates-elsewhere", pointer="/location/latitude", expected=department, actual=actual)
    return None
