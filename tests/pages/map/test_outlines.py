"""The packaged outlines of the map: rebuilt from the samples, and complete."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
import shapely

import schemas
from gateway.pages.map.__main__ import TARGET, borders, build, simplified

OUTLINES = orjson.loads(TARGET.read_bytes())
MAINLAND, PARIS, OVERSEAS = OUTLINES["mainland"], OUTLINES["paris"], OUTLINES["overseas"]


def lines_of(path: str) -> Iterator[list[tuple[int, int]]]:
    """The lines or rings of relative path data, as absolute points."""
    for line in re.findall(r"M([^Mz]*)", path):
        start, _, steps = line.partition("l")
        numbers = [int(number) for number in re.findall(r"-?\d+", steps)]
        x, y = map(int, start.split())
        points = [(x, y)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + dx, y + dy
            points.append((x, y))
        yield points


def edges_of(path: str) -> Iterator[frozenset[tuple[int, int]]]:
    for ring in lines_of(path):
        for one, two in zip(ring, ring[1:] + ring[:1], strict=True):
            yield frozenset((one, two))


@pytest.mark.samples
def test_the_packaged_outlines_are_those_of_the_samples(samples: Path) -> None:
    geojson = (samples / "reference/departements-detailed.geojson").read_bytes()
    assert TARGET.read_bytes() == build(geojson)


def test_source_and_licence_are_in_the_file() -> None:
    assert "IGN" in OUTLINES["source"]
    assert "INSEE" in OUTLINES["source"]
    assert OUTLINES["licence"] == "Licence Ouverte 2.0"


def test_all_departments_with_a_prefect_are_drawn() -> None:
    collectivities = {item["code"] for item in schemas.reference("regions")["items"] if item["kind"] == "collectivity"}
    expected = {item["code"] for item in schemas.reference("departments")["items"]} - collectivities
    assert len(expected) == 101
    assert expected == set(MAINLAND["departments"]) | set(OVERSEAS)


def test_the_outlines_are_small() -> None:
    paths = [*MAINLAND["departments"].values(), MAINLAND["regions"], MAINLAND["coast"]]
    paths += [*PARIS["departments"].values(), *(one["path"] for one in OVERSEAS.values())]
    assert sum(map(len, paths)) < 22_000


@pytest.mark.parametrize("code", sorted(MAINLAND["departments"]))
def test_a_department_lies_on_the_map_and_has_an_area(code: str) -> None:
    rings = list(lines_of(MAINLAND["departments"][code]))
    assert rings
    for ring in rings:
        assert len(ring) > 2
        assert all(0 <= x <= MAINLAND["width"] and 0 <= y <= MAINLAND["height"] for x, y in ring)


def test_neighbours_share_their_border_exactly() -> None:
    """Every edge belongs to one department on the coast, and to two within; the coast line draws the former."""
    owners = Counter(edge for path in MAINLAND["departments"].values() for edge in set(edges_of(path)))
    assert set(owners.values()) <= {1, 2}
    alone = {edge for edge, count in owners.items() if count == 1}
    assert alone == {edge for line in lines_of(MAINLAND["coast"]) for edge in map(frozenset, pairwise(line))}


@pytest.mark.parametrize("group", ["mainland", "paris", "overseas"])
def test_no_border_crosses_itself_or_another_one_of_its_department(group: str) -> None:
    """Mayotte and Martinique neither."""
    found = OUTLINES[group]
    paths = {code: one["path"] for code, one in found.items()} if group == "overseas" else found["departments"]
    for code, path in paths.items():
        rings = [shapely.Polygon(ring) for ring in lines_of(path)]
        assert rings, code
        assert [] == [shapely.is_valid_reason(ring) for ring in rings if not ring.is_valid], code
        assert not [one for number, one in enumerate(rings) for other in rings[:number] if one.overlaps(other)], code


def test_a_common_border_is_simplified_once() -> None:
    """Two squares beside each other with a crooked border between them."""
    border = [(10.0, 0.0), (11.0, 3.0), (9.0, 6.0), (10.0, 10.0)]
    squares = {
        "a": shapely.Polygon([(0.0, 10.0), (0.0, 0.0), *border]),
        "b": shapely.Polygon([(20.0, 0.0), (20.0, 10.0), *border[::-1]]),
    }
    between, _ = borders(simplified(squares, 5.0), {"a": "one", "b": "two"})
    assert [(10, 0), (10, 10)] == sorted(between.coords)
