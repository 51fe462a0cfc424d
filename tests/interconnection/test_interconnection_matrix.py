"""The matrix of the interconnection: nine Regions and the national site, both ways, on both logs."""

import json
from typing import Any

import pytest

from tests.interconnection.matrix import Matrix
from tests.interconnection.offers import REGIONS, TOWNS, UNCOVERED
from tests.interconnection.region import NEIGHBOURS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
"""The first test of each log waits for the whole run."""


@pytest.mark.parametrize("slug", REGIONS)
def test_an_offer_of_a_region_is_at_the_national_site_unchanged(matrix: Matrix, slug: str) -> None:
    line = matrix.lines[slug]
    assert [] == line.differences
    assert line.published is not None


@pytest.mark.parametrize("slug", REGIONS)
def test_an_update_of_a_region_reaches_the_national_site(matrix: Matrix, slug: str) -> None:
    assert matrix.lines[slug].updated is not None


@pytest.mark.parametrize("slug", REGIONS)
def test_a_withdrawal_of_a_region_reaches_the_national_site(matrix: Matrix, slug: str) -> None:
    assert matrix.lines[slug].withdrawn is not None


@pytest.mark.parametrize("slug", REGIONS)
def test_an_offer_made_at_the_national_site_reaches_the_region_where_it_is(matrix: Matrix, slug: str) -> None:
    assert matrix.lines[slug].received is not None


@pytest.mark.parametrize("name", UNCOVERED)
def test_an_offer_of_a_region_without_platform_reaches_the_neighbour_that_asked_and_leaves_it(
    matrix: Matrix, name: str
) -> None:
    line = matrix.uncovered[name]
    assert NEIGHBOURS[name] == line.neighbour
    assert line.received is not None
    assert line.withdrawn is not None


def test_no_offer_returns_to_a_platform_that_it_came_from(matrix: Matrix) -> None:
    """[RTE-003] [RTE-004]: neither to a platform nor to the national site; echoes of ours are not imported."""
    assert [] == matrix.loops
    assert matrix.echoes >= 2 * len(REGIONS)


def test_nine_platforms_use_nine_channels(matrix: Matrix) -> None:
    channels = {line.channel for line in matrix.lines.values()}
    assert 9 == len(channels)
    assert ("Kafka" in channels) == (matrix.log == "Kafka")


@pytest.mark.parametrize("slug", REGIONS)
def test_the_status_of_a_region_counts_its_deliveries(matrix: Matrix, slug: str) -> None:
    """[SEC-014]: three of its four offers live on, two of them are for the national site."""
    line = _status(matrix, slug)
    assert ("regional", True, 3) == (line["kind"], line["connected"], line["live"])
    assert line["since"] is not None
    assert TOWNS[slug].region == line["region"]
    details = line["details"]
    expected = {"refused": 0, "delivered": 2, "pending": 0, "undelivered": 0, "delivery_lag_seconds": None}
    assert expected == {name: details[name] for name in expected}
    # Four offers and a change; a withdrawal too where the platform sent it, and did not leave the offer out.
    sends_changes = matrix.lines[slug].channel in {"PUT", "batch", "Kafka"}
    assert 5 + sends_changes == details["accepted"]
    assert details["last_success"] is not None
    assert details["last_error"] is None


def test_the_status_of_the_national_site_counts_imports_and_deliveries(matrix: Matrix) -> None:
    line = _status(matrix, "national")
    assert ("national", True, 11) == (line["kind"], line["connected"], line["live"])
    details = line["details"]
    assert (13, 18, 0, 0) == tuple(details[name] for name in ("accepted", "delivered", "pending", "undelivered"))
    assert details["last_success"] is not None
    assert details["last_error"] is None


@pytest.mark.parametrize("name", UNCOVERED)
def test_the_regions_without_platform_are_connected_by_the_national_site(matrix: Matrix, name: str) -> None:
    [line] = [one for one in matrix.platforms if one["region"] == UNCOVERED[name].region]
    assert ("uncovered", name, True, 1) == (line["kind"], line["name"], line["connected"], line["live"])


def test_the_command_prints_the_state_that_the_api_returns(matrix: Matrix) -> None:
    assert _still(matrix.platforms) == _still(json.loads(matrix.status)["platforms"])


def test_the_command_shows_a_row_for_each_region_with_or_without_platform(matrix: Matrix) -> None:
    """Each with its live offers, and how many of them the national site has."""
    wanted = {**dict.fromkeys(REGIONS, ("3", "2")), "national": ("11", "18")}
    wanted |= dict.fromkeys(sorted(UNCOVERED), ("1", "–"))
    _, *rows = matrix.printed.splitlines()
    for (name, numbers), row in zip(wanted.items(), rows[: len(wanted)], strict=True):
        cells = row.split()
        assert row.startswith(f"{name} ")
        assert numbers == (cells[-7], cells[-4])


def _still(platforms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the one value that changes between two requests: the connector calls the site as time passes."""
    return [{**one, "details": {**one.get("details", {}), "last_success": None}} for one in platforms]


def _status(matrix: Matrix, slug: str) -> dict[str, Any]:
    [line] = [one for one in matrix.platforms if one["platform"] == slug]
    return line
