"""The regions of the map: each department is part of one, and each has a point within for its mark."""

from itertools import pairwise

import pytest

import schemas
from gateway.pages.map.outlines import RegionOutline, drawn_departments, outlines, region_outlines
from tests.pages.map.test_outlines import lines_of

REGIONS = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
BY_CODE = {one.code: one for one in region_outlines()}


def is_within(x: int, y: int, path: str) -> bool:
    """Whether a ray from the point crosses the rings an odd number of times."""
    crossed = 0
    for ring in lines_of(path):
        for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]]):
            crossed += (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    return crossed % 2 == 1


def test_every_region_with_a_department_on_the_map_is_drawn_once() -> None:
    assert {REGIONS[code] for code in drawn_departments()} == set(BY_CODE)
    assert 18 == len(region_outlines()) == len(BY_CODE)


def test_a_region_is_made_of_its_departments() -> None:
    mainland = outlines()["mainland"]["departments"]
    for code, path in mainland.items():
        assert path in BY_CODE[REGIONS[code]].path
    assert sum(map(len, mainland.values())) == sum(len(one.path) for one in BY_CODE.values() if one.inset is None)


def test_an_overseas_region_has_an_inset_of_its_own() -> None:
    insets = {one.inset: one for one in BY_CODE.values() if one.inset is not None}
    assert set(outlines()["overseas"]) == set(insets)
    assert all(outlines()["overseas"][code]["path"] == one.path for code, one in insets.items())


@pytest.mark.parametrize("region", region_outlines(), ids=lambda one: one.code)
def test_the_mark_of_a_region_is_within_it(region: RegionOutline) -> None:
    assert is_within(region.x, region.y, region.path)
