"""Builds ``outlines.json``, the map of the pages, from the outlines of the 101 departments.

    python -m gateway.pages.map.build_outlines ../shared/samples/reference/departements.geojson

Projection: equirectangular, true to scale at 46.5° north. Borders are split into arcs at the points where the
departments beside them change; each arc is simplified once (Douglas–Peucker), so that neighbours keep a common border
and no gap appears. Coordinates are integers, paths are relative. Pure functions.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from typing import Any, TypeAlias

import orjson

import schemas

Point: TypeAlias = tuple[float, float]
Edge: TypeAlias = frozenset[Point]
Arc: TypeAlias = tuple[Point, ...]
Whole: TypeAlias = tuple[int, int]

TARGET = Path(__file__).parent / "outlines.json"
SOURCE = "IGN Admin Express COG 2018, INSEE; by way of gregoiredavid/france-geojson"
LICENCE = "Licence Ouverte 2.0"
PARIS = ("75", "92", "93", "94")
"""The departments of the magnified inset: Paris and its inner ring."""
_AROUND_PARIS = ("60", "77", "78", "91", "95")
_OVERSEAS = ("971", "972", "973", "974", "976")
_PARALLEL = 46.5
_UNITS_PER_DEGREE = 60
_TOLERANCE = 1.6
_LEAST_AREA = 3.0
"""Islands below it are left out, in square units, unless they are their department's largest part."""
_MARGIN = 2
_INSET_SIDE = 116
_INSET_SCALE = 4
_INSET_TOLERANCE = 2.0
_OVERSEAS_SIDE = 128
_OVERSEAS_MARGIN = 8


def build(geojson: bytes) -> bytes:
    """The packaged file."""
    rings = _rings(orjson.loads(geojson))
    regions = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    europe = {code: found for code, found in rings.items() if code not in _OVERSEAS}
    document = {
        "source": SOURCE,
        "licence": LICENCE,
        "mainland": _mainland(europe, regions),
        "paris": _paris(europe),
        "overseas": {code: _overseas(rings[code]) for code in _OVERSEAS},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _rings(collection: Mapping[str, Any]) -> Mapping[str, list[list[Point]]]:
    """By department its rings, holes included, in degrees; the last point of a ring is not repeated."""
    found: dict[str, list[list[Point]]] = {}
    for feature in sorted(collection["features"], key=lambda one: str(one["properties"]["code"])):
        geometry = feature["geometry"]
        parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        found[feature["properties"]["code"]] = [
            [(float(x), float(y)) for x, y in ring[:-1]] for part in parts for ring in part
        ]
    return found


def _mainland(rings: Mapping[str, list[list[Point]]], regions: Mapping[str, str]) -> Mapping[str, Any]:
    project, width, height = _fitted(rings.values(), _UNITS_PER_DEGREE, _MARGIN)
    borders = Borders(rings, simplify=lambda arc: simplified(arc, _TOLERANCE), project=project)
    sides = borders.sides()
    return {
        "width": width,
        "height": height,
        "frame": _frame(rings, project),
        "departments": {code: borders.path(code) for code in rings},
        "regions": _lines(arc for arc, owners in sides if len({regions[code] for code in owners}) > 1),
        "coast": _lines(arc for arc, owners in sides if len(owners) == 1),
    }


def _paris(rings: Mapping[str, list[list[Point]]]) -> Mapping[str, Any]:
    """Paris and its inner ring, four times larger; the departments around are cut at the frame."""
    whole, *_ = _fitted(rings.values(), _UNITS_PER_DEGREE, _MARGIN)
    x, y, side = _frame(rings, whole)

    def project(point: Point) -> Point:
        left, top = whole(point)
        return (left - x) * _INSET_SCALE, (top - y) * _INSET_SCALE

    near = {code: rings[code] for code in (*PARIS, *_AROUND_PARIS)}
    borders = Borders(near, simplify=lambda arc: simplified(arc, _INSET_TOLERANCE), project=project)
    end = side * _INSET_SCALE
    paths = {code: _path(_clipped(ring, end) for ring in borders.rounded(code)) for code in near}
    return {"side": end, "departments": paths}


def _overseas(rings: list[list[Point]]) -> Mapping[str, Any]:
    """A department in a square of its own, true to scale at its own latitude."""
    latitudes = [y for ring in rings for _, y in ring]
    parallel = (min(latitudes) + max(latitudes)) / 2
    raw, width, height = _fitted([rings], 1_000, 0, parallel=parallel)
    room = _OVERSEAS_SIDE - 2 * _OVERSEAS_MARGIN
    scale = room / max(width, height)
    left, top = (_OVERSEAS_SIDE - width * scale) / 2, (_OVERSEAS_SIDE - height * scale) / 2

    def project(point: Point) -> Point:
        x, y = raw(point)
        return left + x * scale, top + y * scale

    borders = Borders({"": rings}, simplify=lambda arc: simplified(arc, _TOLERANCE), project=project)
    return {"side": _OVERSEAS_SIDE, "path": borders.path("")}


def _fitted(
    departments: Iterable[list[list[Point]]], units: float, margin: float, *, parallel: float = _PARALLEL
) -> tuple[Callable[[Point], Point], int, int]:
    """The projection whose result begins at the margin, and the whole width and height that it takes."""
    points = [point for rings in departments for ring in rings for point in ring]
    squeeze = cos(radians(parallel))
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)

    def project(point: Point) -> Point:
        return (point[0] - west) * squeeze * units + margin, (north - point[1]) * units + margin

    return project, round((east - west) * squeeze * units + 2 * margin), round((north - south) * units + 2 * margin)


def _frame(rings: Mapping[str, list[list[Point]]], project: Callable[[Point], Point]) -> tuple[int, int, int]:
    """The square around Paris and its inner ring on the map: left, top, side."""
    points = [project(point) for code in PARIS for ring in rings[code] for point in ring]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    side = _INSET_SIDE // _INSET_SCALE
    return round((left + right - side) / 2), round((top + bottom - side) / 2), side


class Borders:
    """The borders of departments as arcs: split where the departments beside them change, each simplified once."""

    def __init__(
        self,
        rings: Mapping[str, list[list[Point]]],
        *,
        simplify: Callable[[Arc], Arc],
        project: Callable[[Point], Point],
    ) -> None:
        self._owners: dict[Edge, set[str]] = defaultdict(set)
        for code, found in rings.items():
            for ring in found:
                for edge in _edges(ring):
                    self._owners[edge].add(code)
        self._nodes = self._find_nodes()
        self._simplify = simplify
        self._project = project
        self._arcs: dict[Arc, list[Whole]] = {}
        """By arc in its own direction, the simplified one."""
        self._of: dict[str, list[list[Whole]]] = {code: self._assembled(found) for code, found in rings.items()}

    def rounded(self, code: str) -> list[list[Whole]]:
        """The simplified rings of a department."""
        return self._of[code]

    def path(self, code: str) -> str:
        """The department as SVG path data."""
        return _path(self._of[code])

    def sides(self) -> list[tuple[list[Whole], frozenset[str]]]:
        """Every simplified arc with the departments beside it; those of islands that were left out are missing."""
        drawn = {edge for rings in self._of.values() for ring in rings for edge in _edges(ring)}
        return [
            (simplified, frozenset(self._owners[frozenset(arc[:2])]))
            for arc, simplified in self._arcs.items()
            if any(edge in drawn for edge in map(frozenset, pairwise(simplified)))
        ]

    def _find_nodes(self) -> set[Point]:
        beside: dict[Point, list[frozenset[str]]] = defaultdict(list)
        for edge, owners in self._owners.items():
            for point in edge:
                beside[point].append(frozenset(owners))
        return {point for point, sides in beside.items() if len(sides) != 2 or sides[0] != sides[1]}

    def _assembled(self, rings: list[list[Point]]) -> list[list[Whole]]:
        found = [_without_repeats([point for arc in self._split(ring) for point in self._drawn(arc)]) for ring in rings]
        areas = [_area(ring) for ring in found]
        return [
            ring
            for ring, area in zip(found, areas, strict=True)
            if len(ring) > 2 and (area >= _LEAST_AREA or area == max(areas))
        ]

    def _split(self, ring: list[Point]) -> Iterator[Arc]:
        """The arcs of a ring in order; a ring without a node is one closed arc that begins at its least point."""
        cuts = [index for index, point in enumerate(ring) if point in self._nodes] or [ring.index(min(ring))]
        turned = ring[cuts[0] :] + ring[: cuts[0] + 1]
        ends = [cut - cuts[0] for cut in cuts] + [len(ring)]
        for first, last in pairwise(ends):
            yield tuple(turned[first : last + 1])

    def _drawn(self, arc: Arc) -> list[Whole]:
        """The simplified arc without its last point, in the direction of the ring."""
        forward = min(arc, arc[::-1])
        if forward not in self._arcs:
            projected = tuple(self._project(point) for point in forward)
            self._arcs[forward] = [(round(x), round(y)) for x, y in self._simplify(projected)]
        simplified = self._arcs[forward]
        return (simplified if forward is arc else simplified[::-1])[:-1]


def _edges(ring: Sequence[Any]) -> Iterator[frozenset[Any]]:
    return (frozenset(pair) for pair in pairwise([*ring, ring[0]]))


def simplified(arc: Arc, tolerance: float) -> Arc:
    """Douglas–Peucker; a closed arc is divided at the point farthest from its start."""
    if len(arc) < 3:
        return arc
    if arc[0] == arc[-1]:
        middle = max(range(len(arc)), key=lambda index: _distance(arc[index], arc[0], arc[0]))
        return simplified(arc[: middle + 1], tolerance)[:-1] + simplified(arc[middle:], tolerance)
    farthest = max(range(1, len(arc) - 1), key=lambda index: _distance(arc[index], arc[0], arc[-1]))
    if _distance(arc[farthest], arc[0], arc[-1]) <= tolerance:
        return (arc[0], arc[-1])
    return simplified(arc[: farthest + 1], tolerance)[:-1] + simplified(arc[farthest:], tolerance)


def _distance(point: Point, start: Point, end: Point) -> float:
    """From the segment between two points."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / length
    along = min(1.0, max(0.0, along))
    return hypot(point[0] - start[0] - along * dx, point[1] - start[1] - along * dy)


def _clipped(ring: list[Whole], end: int) -> list[Whole]:
    """The part of a ring inside the square from 0 to ``end`` (Sutherland–Hodgman)."""
    points: list[Point] = [(float(x), float(y)) for x, y in ring]
    for axis, limit, sign in ((0, 0, 1), (0, end, -1), (1, 0, 1), (1, end, -1)):
        kept: list[Point] = []
        for one, two in zip(points, points[1:] + points[:1], strict=True):
            inside, next_inside = (one[axis] - limit) * sign >= 0, (two[axis] - limit) * sign >= 0
            if inside:
                kept.append(one)
            if inside != next_inside:
                share = (limit - one[axis]) / (two[axis] - one[axis])
                kept.append((one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1])))
        points = kept
    return _without_repeats([(round(x), round(y)) for x, y in points])


def _without_repeats(ring: list[Whole]) -> list[Whole]:
    return [point for index, point in enumerate(ring) if point != ring[index - 1]]


def _area(ring: list[Whole]) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))) / 2


def _path(rings: Iterable[list[Whole]]) -> str:
    """Closed rings as relative path data."""
    return "".join(f"{_steps(ring)}z" for ring in rings if len(ring) > 2)


def _lines(arcs: Iterable[list[Whole]]) -> str:
    """Open lines as relative path data; arcs that meet end to end are joined."""
    left = [arc for arc in arcs if len(arc) > 1]
    lines = []
    while left:
        line = left.pop(0)
        while line[0] != line[-1]:
            found = next((arc for arc in left if line[-1] in (arc[0], arc[-1])), None)
            if found is None:
                break
            left.remove(found)
            line = line + (found if found[0] == line[-1] else found[::-1])[1:]
        lines.append(_steps(line))
    return "".join(lines)


def _steps(line: list[Whole]) -> str:
    x, y = line[0]
    steps = [f"M{x} {y}l"]
    for (x1, y1), (x2, y2) in pairwise(line):
        dx, dy = x2 - x1, y2 - y1
        if dx or dy:
            separator = "" if steps[-1].endswith("l") or dx < 0 else " "
            steps.append(f"{separator}{dx}{'' if dy < 0 else ' '}{dy}")
    return "".join(steps)


if __name__ == "__main__":
    TARGET.write_bytes(build(Path(sys.argv[1]).read_bytes()))
