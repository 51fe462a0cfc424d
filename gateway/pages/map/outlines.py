"""The outlines of the map: 101 departments, and the regions that they make up, each with a point for a mark. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import schemas
from schemas.packaged import read_json

Ring: TypeAlias = list[tuple[int, int]]

_RING = re.compile(r"M(-?\d+) (-?\d+)l([^Mz]*)z")
_NUMBER = re.compile(r"-?\d+")


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
    """The packaged file: see ``build_outlines``."""
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
    mainland, overseas = outlines()["mainland"]["departments"], outlines()["overseas"]
    paths: dict[str, list[str]] = {}
    for code, path in mainland.items():
        paths.setdefault(regions[code], []).append(path)
    found = [_outline(code, "".join(parts), None) for code, parts in paths.items()]
    found += [_outline(regions[code], drawn["path"], code) for code, drawn in overseas.items()]
    return tuple(sorted(found, key=lambda one: one.code))


def _outline(code: str, path: str, inset: str | None) -> RegionOutline:
    """Of islands the largest one has the mark; the departments of a region on the mainland have it together."""
    rings = list(_rings(path))
    x, y = _centre(rings if inset is None else [max(rings, key=lambda ring: abs(_sums([ring])[0]))])
    return RegionOutline(code, path, inset, x, y)


def _centre(rings: Iterable[Ring]) -> tuple[int, int]:
    """The centre of gravity; a ring within another has the opposite direction and is subtracted."""
    area, across, down = _sums(rings)
    return round(across / (3 * area)), round(down / (3 * area))


def _sums(rings: Iterable[Ring]) -> tuple[int, int, int]:
    """Twice the area, and its moments times six."""
    area = across = down = 0
    for ring in rings:
        for (x, y), (next_x, next_y) in pairwise([*ring, ring[0]]):
            cross = x * next_y - next_x * y
            area, across, down = area + cross, across + (x + next_x) * cross, down + (y + next_y) * cross
    return area, across, down


def _rings(path: str) -> Iterator[Ring]:
    """The rings of relative path data, as absolute points."""
    for left, top, steps in _RING.findall(path):
        x, y = int(left), int(top)
        points = [(x, y)]
        numbers = [int(number) for number in _NUMBER.findall(steps)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            points.append((x, y))
        yield points
