"""The map of the systems: each region has the state of the system that its offers arrive through."""

from dataclasses import replace

from gateway.pages.systems.model import KINDS, SystemRow, overview
from gateway.pages.systems.territory import Area, areas
from tests.pages.feeds import FAILING, PAUSED, WAITING
from tests.pages.systems.test_systems_model import FOUND

ROWS = overview(FOUND, "fr").rows


def by_name(rows: list[SystemRow]) -> dict[str, Area]:
    return {one.name: one for one in areas(rows)}


def test_the_eighteen_regions_come_exceptions_first() -> None:
    found = areas(ROWS)
    assert 18 == len({one.outline.code for one in found})
    order = [[*KINDS].index(one.row.condition) for one in found]
    assert sorted(order) == order
    assert [(FAILING, "blocked"), (WAITING, "blocked"), (PAUSED, "look"), ("bretagne", "fine")] == [
        (one.row.platform, one.row.kind) for one in found[:4]
    ]


def test_a_region_with_a_platform_has_its_state_and_any_other_that_of_the_national_site() -> None:
    fresh = [replace(row, condition="late") if row.platform == "national" else row for row in ROWS]
    found = by_name(fresh)
    own = {name for name, one in found.items() if not one.national}
    assert 9 == len(own)
    assert {one.row.platform for name, one in found.items() if name in own} | {"national"} == {
        row.platform for row in ROWS if row.platform is not None
    }
    assert {"look"} == {one.row.kind for name, one in found.items() if name not in own}
    assert {"Corse", "Centre-Val de Loire", "Hauts-de-France", "La Réunion"} <= set(found) - own
