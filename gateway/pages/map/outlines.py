"""The outlines of the map: 101 departments, and the regions that they make up, each with a point for a mark. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import schemas
from schemas.packaged import read_json


@dataclass(frozen=True, slots=True)
class RegionOutline:
    """A region. ``path``: SVG path data, in the coordinates of the mainland, or of an inset of its own whose code is
    ``inset``; ``x`` and ``y``: a point within it, for a mark.
    """

    code: str
    path: str
    inset: str | None
    x: int
    y: int


@cache
def outlines() -> Mapping[str, Any]:
    """The packaged file: see ``__main__.py``."""
    found: Mapping[str, Any] = read_json("outlines.json", package=__package__)
    return found


@cache
def drawn_departments() -> frozenset[str]:
    """The codes of the 101 departments of the map."""
    return frozenset(outlines()["mainland"]["departments"]) | frozenset(outlines()["overseas"])


@cache
def region_outlines() -> tuple[RegionOutline, ...]:
    """The 18 regions, by code; each overseas one has an inset."""
    regions = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    mainland, insets = outlines()["mainland"]["departments"], {regions[code]: code for code in outlines()["overseas"]}
    paths = {regions[code]: outlines()["overseas"][code]["path"] for code in insets.values()}
    for code, path in mainland.items():
        paths[regions[code]] = paths.get(regions[code], "") + path
    marks = {code: tuple(map(int, mark.split())) for code, mark in outlines()["marks"].items()}
    return tuple(RegionOutline(code, paths[code], insets.get(code), *mark) for code, mark in sorted(marks.items()))


@cache
def box_of(departments: frozenset[str]) -> str:
    """The box around some departments of the mainland, as an SVG has it; empty where the map has none of them."""
    mainland = outlines()["mainland"]["departments"]
    points = [point for code in departments & mainland.keys() for point in _points(mainland[code])]
    if not points:
        return ""
    (left, right), (top, bottom) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
    return f"{left - 1} {top - 1} {right - left + 2} {bottom - top + 2}"


def _points(path: str) -> Iterator[tuple[int, int]]:
    """The points of a path, whose parts begin at an absolute one: ``M465 282l4 3-3 5``."""
    for part in path.split("M")[1:]:
        x = y = 0
        numbers = [int(number) for number in re.findall(r"-?\d+", part)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            yield x, y
