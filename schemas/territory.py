"""Territory: department, region and académie of an offer's location (OFR-018, OFR-019); tests for points in France."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from schemas.communes import Commune, communes_of, department_of, exists, one_department, plain_name
from schemas.packaged import read_json
from schemas.rulebook import Problem, problem

_CORSICA = ("2A", "2B")
_CODE = re.compile("(?:[0-9]{2}|2[AB])[0-9]{3}")
_POSTAL_CODE = re.compile("[0-9]{5}")


@dataclass(frozen=True, slots=True)
class Territory:
    """INSEE codes of department and region, slug of the académie, and its zone of the school calendar (or None)."""

    department: str
    region: str
    academie: str
    zone: str | None

    def to_json(self) -> dict[str, Any]:
        """The form in verdicts and on the log."""
        return {"department": self.department, "region": self.region, "academie": self.academie}


@cache
def territories() -> Mapping[str, Territory]:
    """The territory of each department, by its INSEE code."""
    zones = {item["code"]: item["zone"] for item in read_json("codes", "academies.json")["items"]}
    return {
        item["code"]: Territory(item["code"], item["region"], item["academie"], zones[item["academie"]])
        for item in read_json("codes", "departments.json")["items"]
    }


@dataclass(frozen=True, slots=True)
class TerritoryMatch:
    """The territory of postcode, city and INSEE code (None if they name none), and their problems."""

    territory: Territory | None
    problems: tuple[Problem, ...]


@lru_cache(maxsize=8192)
def locate(postal_code: str, city: str, insee_commune: str | None) -> TerritoryMatch:
    """The territory: from the INSEE code, else from postcode and city, else from the postcode's first digits. Without a
    territory the problems hold an error: Clipperton has a postcode and no department.
    """
    if insee_commune is None and (department := one_department(postal_code, city)) is not None:
        found = territories().get(department)
        if found is not None:
            return TerritoryMatch(found, ())
    served = communes_of(postal_code)
    if insee_commune is not None:
        return _locate_commune(postal_code, insee_commune, served)
    if not served:
        return _locate_prefix(postal_code)
    problems: list[Problem] = []
    name = plain_name(city)
    named = [commune for commune in served if plain_name(commune.name) == name]
    if not named:
        problems.append(_unlisted_city(city, served))
    first, *others = {commune.department for commune in named or served}
    department = postal_code[:2] if others else first
    if others:
        problems.append(_guessed(postal_code, department))
    territory = territories().get(department)
    if territory is None:
        problems.append(_foreign(postal_code))
    return TerritoryMatch(territory, tuple(problems))


def _locate_commune(postal_code: str, code: str, served: tuple[Commune, ...]) -> TerritoryMatch:
    territory = territories().get(department_of(code))
    if territory is None:
        return TerritoryMatch(None, (problem("insee-foreign", pointer="/location/insee_commune", actual=code),))
    if code in {commune.code for commune in served}:
        return TerritoryMatch(territory, ())
    problems: list[Problem] = []
    if not exists(code):
        problems.append(problem("insee-unlisted", pointer="/location/insee_commune", actual=code))
    departments = {commune.department for commune in served} or set(_prefix_departments(postal_code))
    if territory.department not in departments:
        contradiction = "location-contradictory" if served else "location-doubtful"
        problems.append(
            problem(
                contradiction,
                pointer="/location/insee_commune",
                expected=sorted(departments),
                actual=code,
                postal_code=postal_code,
            )
        )
    elif served and exists(code):
        expected = [f"{commune.code} {commune.name}" for commune in served[:5]]
        problems.append(
            problem(
                "postal-code-of-other-commune",
                pointer="/location/postal_code",
                expected=expected,
                actual=postal_code,
                commune=code,
            )
        )
    return TerritoryMatch(territory, tuple(problems))


def _locate_prefix(postal_code: str) -> TerritoryMatch:
    departments = _prefix_departments(postal_code)
    if not departments:
        return TerritoryMatch(None, (_foreign(postal_code),))
    return TerritoryMatch(territories()[departments[0]], (_guessed(postal_code, departments[0]),))


def department_in(document: Mapping[str, Any] | None) -> str | None:
    """The department that the location of any document names, valid or not: by its INSEE code, else by its postcode.
    None where neither is one of France. Nothing of the document is cached.
    """
    location = (document or {}).get("location")
    if not isinstance(location, dict):
        return None
    code, postal_code = location.get("insee_commune"), location.get("postal_code")
    if isinstance(code, str) and _CODE.fullmatch(code) and department_of(code) in territories():
        return department_of(code)
    if not isinstance(postal_code, str) or not _POSTAL_CODE.fullmatch(postal_code):
        return None
    served = {commune.department for commune in communes_of(postal_code)}
    if len(served) == 1 and served <= territories().keys():
        return served.pop()
    departments = _prefix_departments(postal_code)
    return departments[0] if departments else None


def _prefix_departments(postal_code: str) -> tuple[str, ...]:
    """The departments of the postcode's first digits, the likeliest first."""
    if postal_code.startswith("20"):
        return _CORSICA if postal_code[2] in "01" else _CORSICA[::-1]
    prefix = department_of(postal_code)
    return (prefix,) if prefix in territories() else ()


def _foreign(postal_code: str) -> Problem:
    return problem("postal-code-foreign", pointer="/location/postal_code", actual=postal_code)


def _guessed(postal_code: str, department: str) -> Problem:
    return problem("department-guessed", pointer="/location/postal_code", actual=postal_code, department=department)


def _unlisted_city(city: str, served: tuple[Commune, ...]) -> Problem:
    expected = [commune.name for commune in served[:5]]
    return problem("city-unlisted", pointer="/location/city", expected=expected, actual=city)


@cache
def outlines() -> dict[str, Any]:
    """The outline of the mainland, boxes within it, and the boxes of the other departments."""
    loaded: dict[str, Any] = read_json("codes", "outlines.json")
    return loaded


_MAINLAND: frozenset[str] = frozenset()


def covering(latitude: float, longitude: float) -> frozenset[str] | None:
    """Departments outside the mainland whose box contains the point; empty for the mainland; None: not in France."""
    # Most points are in boxes within the mainland's outline, and need no test against it.
    for west, south, east, north in outlines()["mainland_inner"]:
        if west <= longitude <= east and south <= latitude <= north:
            return _MAINLAND
    if in_mainland(latitude, longitude):
        return _MAINLAND
    return (
        frozenset(
            code
            for code, (west, south, east, north) in outlines()["boxes"].items()
            if west <= longitude <= east and south <= latitude <= north
        )
        or None
    )


def in_mainland(latitude: float, longitude: float) -> bool:
    """Whether a point is within the wide outline of mainland France (even-odd rule)."""
    outline = outlines()["mainland"]
    inside = False
    west, south = outline[-1]
    for east, north in outline:
        if (south > latitude) != (north > latitude):
            crossing = west + (latitude - south) / (north - south) * (east - west)
            inside ^= longitude < crossing
        west, south = east, north
    return inside


def apart(department: str) -> bool:
    """Whether a department is outside the mainland, and so has a box of its own."""
    return department in outlines()["boxes"]
