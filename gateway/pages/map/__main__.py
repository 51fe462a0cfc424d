"""Builds ``outlines.json``, the map of the pages, from the outlines of the 101 departments.

    python -m gateway.pages.map ../shared/samples/reference/departements-detailed.geojson

Projection: equirectangular, true to scale at 46.5° north. All departments are simplified together (GEOS's coverage
simplification), so that neighbours keep a common border and no gap appears. Coordinates are integers, paths are
relative. Needs Shapely, which the gateway does not: it is installed for development only.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import cos, radians
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import shapely

import schemas

Point: TypeAlias = tuple[int, int]
Shapes: TypeAlias = Mapping[str, Any]
"""A Shapely geometry by department."""

TARGET = Path(__file__).parent / "outlines.json"
SOURCE = "IGN Admin Express COG 2018, INSEE; by way of gregoiredavid/france-geojson"
LICENCE = "Licence Ouverte 2.0"
PARIS = ("75", "92", "93", "94")
"""The departments of the magnified inset: Paris and its inner ring."""
_AROUND_PARIS = ("60", "77", "78", "91", "95")
_OVERSEAS = ("971", "972", "973", "974", "976")
_PARALLEL, _UNITS_PER_DEGREE, _MARGIN = 46.5, 60, 2
_TOLERANCE, _GAP = 2.2, 2.0
_LEAST_AREA = 3.0
"""Islands below it are left out, in square units, unless they are their department's largest part."""
_INSET_SIDE, _INSET_SCALE = 116, 4
_OVERSEAS_SIDE, _OVERSEAS_MARGIN = 128, 8


def build(geojson: bytes) -> bytes:
    """The packaged file."""
    found = {
        one["properties"]["code"]: shapely.geometry.shape(one["geometry"]) for one in orjson.loads(geojson)["features"]
    }
    regions = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    europe = {code: found[code] for code in sorted(found) if code not in _OVERSEAS}
    west, south, east, north = _bounds(europe.values())
    squeeze = cos(radians(_PARALLEL))
    flat = _mapped(europe, (squeeze * _UNITS_PER_DEGREE, -_UNITS_PER_DEGREE), (west, north), (_MARGIN, _MARGIN))
    flat = dict(zip(flat, shapely.coverage_clean([*flat.values()], gap_width=_GAP), strict=True))
    left, top, right, bottom = _bounds(flat[code] for code in PARIS)
    side = _INSET_SIDE // _INSET_SCALE
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    near = {code: flat[code] for code in (*PARIS, *_AROUND_PARIS)}
    magnified = simplified(_mapped(near, (_INSET_SCALE, _INSET_SCALE), (x, y), (0, 0)))
    mainland, overseas = simplified(flat), {code: _overseas(found[code]) for code in _OVERSEAS}
    inner, coast = borders(mainland, regions)
    document = {
        "source": SOURCE,
        "licence": LICENCE,
        "mainland": {
            "width": round((east - west) * squeeze * _UNITS_PER_DEGREE + 2 * _MARGIN),
            "height": round((north - south) * _UNITS_PER_DEGREE + 2 * _MARGIN),
            "frame": [x, y, side],
            "departments": {code: _path(shape) for code, shape in mainland.items()},
            "regions": _drawn(inner),
            "coast": _drawn(coast),
        },
        "paris": {
            "side": _INSET_SIDE,
            "departments": {
                code: _path(shapely.clip_by_rect(shape, 0, 0, _INSET_SIDE, _INSET_SIDE))
                for code, shape in magnified.items()
            },
        },
        "overseas": {code: {"side": _OVERSEAS_SIDE, "path": _path(shape)} for code, shape in overseas.items()},
        "marks": dict(_marks({**mainland, **overseas}, regions)),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def simplified(shapes: Shapes, tolerance: float = _TOLERANCE) -> Shapes:
    """The departments with fewer points, all of them whole numbers; a common border is simplified once, and crosses
    neither itself nor another one.
    """
    found = dict(zip(shapes, shapely.coverage_simplify([*shapes.values()], tolerance), strict=True))
    return {code: _without_islands(shape) for code, shape in _rounded(found).items()}


def _rounded(shapes: Shapes) -> Shapes:
    """The shapes in whole numbers: all borders together are snapped to the grid, and the areas between them given back
    to the shape that covers each.
    """
    lines = shapely.union_all([shapely.boundary(shape) for shape in shapes.values()], grid_size=1)
    areas: dict[str, list[Any]] = {code: [] for code in shapes}
    for area in shapely.get_parts(shapely.polygonize([*shapely.get_parts(lines)])):
        common = {code: shapely.area(shapely.intersection(shape, area)) for code, shape in shapes.items()}
        owner = max(common, key=common.__getitem__)
        if common[owner] > area.area / 2:
            areas[owner].append(area)
    return {code: shapely.union_all(found) for code, found in areas.items()}


def borders(shapes: Shapes, regions: Mapping[str, str]) -> tuple[Any, Any]:
    """The lines between regions, and the coast with the borders of France."""
    owners: dict[frozenset[Point], set[str]] = defaultdict(set)
    for code, shape in shapes.items():
        for ring in _rings(shape):
            for edge in pairwise([*ring, ring[0]]):
                owners[frozenset(edge)].add(code)
    inner = [tuple(edge) for edge, beside in owners.items() if len({regions[code] for code in beside}) > 1]
    outer = [tuple(edge) for edge, beside in owners.items() if len(beside) == 1]
    return tuple(shapely.line_merge(shapely.MultiLineString(lines)) for lines in (inner, outer))


def _overseas(shape: Any) -> Any:
    """A department in a square of its own, true to scale at its own latitude."""
    west, south, east, north = shape.bounds
    squeeze = cos(radians((south + north) / 2))
    width, height = (east - west) * squeeze, north - south
    scale = (_OVERSEAS_SIDE - 2 * _OVERSEAS_MARGIN) / max(width, height)
    corner = (_OVERSEAS_SIDE - width * scale) / 2, (_OVERSEAS_SIDE - height * scale) / 2
    return simplified(_mapped({"": shape}, (squeeze * scale, -scale), (west, north), corner))[""]


def _mapped(shapes: Shapes, scale: Sequence[float], origin: Sequence[float], corner: Sequence[float]) -> Shapes:
    """The shapes scaled from their origin, which comes to the corner."""
    return {
        code: shapely.transform(shape, lambda points: (points - origin) * scale + corner)
        for code, shape in shapes.items()
    }


def _bounds(shapes: Iterable[Any]) -> tuple[float, float, float, float]:
    bounds: tuple[float, float, float, float] = shapely.GeometryCollection([*shapes]).bounds
    return bounds


def _without_islands(shape: Any) -> Any:
    """The shape without its small islands, all rings in the direction of their nesting."""
    parts = shapely.get_parts(shape)
    largest = max(part.area for part in parts)
    kept = shapely.MultiPolygon([part for part in parts if part.area >= _LEAST_AREA or part.area == largest])
    return shapely.orient_polygons(kept)


def _marks(shapes: Shapes, regions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """By region a point for a mark: its centre of gravity; of islands that of the largest."""
    together: dict[str, list[Any]] = defaultdict(list)
    for code, shape in shapes.items():
        together[regions[code]].append(max(shapely.get_parts(shape), key=shapely.area) if code in _OVERSEAS else shape)
    for region in sorted(together):
        centre = shapely.GeometryCollection(together[region]).centroid
        yield region, f"{round(centre.x)} {round(centre.y)}"


def _points(line: Any) -> list[Point]:
    """The points of a line or ring, none twice in a row."""
    points = [(round(x), round(y)) for x, y in line.coords]
    return [points[0], *(point for before, point in pairwise(points) if point != before)]


def _rings(shape: Any) -> Iterator[list[Point]]:
    """The rings of a department with an area, without their last point, which is the first one."""
    for part in shapely.get_parts(shape):
        rings = (_points(ring)[:-1] for ring in (part.exterior, *part.interiors))
        yield from (ring for ring in rings if len(ring) > 2)


def _path(shape: Any) -> str:
    """The rings as closed relative path data."""
    return "".join(f"{_steps(ring)}z" for ring in _rings(shape))


def _drawn(lines: Any) -> str:
    """Lines as open relative path data."""
    return "".join(_steps(_points(line)) for line in shapely.get_parts(lines))


def _steps(line: Sequence[Point]) -> str:
    x, y = line[0]
    steps = [f"M{x} {y}l"]
    for (x1, y1), (x2, y2) in pairwise(line):
        separator = "" if steps[-1].endswith("l") or x2 < x1 else " "
        steps.append(f"{separator}{x2 - x1}{'' if y2 < y1 else ' '}{y2 - y1}")
    return "".join(steps)


if __name__ == "__main__":
    TARGET.write_bytes(build(Path(sys.argv[1]).read_bytes()))
