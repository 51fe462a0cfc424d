"""The view model of the home page: classes of the map, sums, groups, order, the next stay."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from random import Random

import pytest

import schemas
from gateway.federation.figures import PublicFigures
from gateway.operate.health import HealthTerms, System, systems
from gateway.operate.status import Facts
from gateway.pages.base.texts import texts_of
from gateway.pages.home.map_class import NO_OFFERS, LegendEntry, bounds_for, class_of, legend
from gateway.pages.home.model import LEVELS, Home, Stay, SystemLine, home, next_stay
from gateway.pages.map.outlines import drawn_departments
from gateway.store.public_counts import PublicCounts

SEASON = (200, 350, 600, 1000)
ON = date(2026, 11, 28)
AT = 1_795_860_000_000  # 28 November 2026
DEPARTMENTS = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
SECTORS = [item["code"] for item in schemas.reference("sectors")["items"]]
SYSTEMS = systems(Facts(now=AT, partners={}, live={}), HealthTerms())


def counts(departments: Mapping[str, int], *, sectors: Mapping[str, Sequence[int]] | None = None) -> PublicCounts:
    """Counts of offers in these departments; of each sector the numbers by level, one level an offer."""
    regions: dict[str, int] = {}
    for code, number in departments.items():
        region = DEPARTMENTS.get(code, "99")
        regions[region] = regions.get(region, 0) + number
    by_sector = sectors or {}
    return PublicCounts(
        total=sum(departments.values()),
        departments=departments,
        regions=regions,
        sectors={sector: sum(numbers) for sector, numbers in by_sector.items()},
        levels={level: sum(numbers[index] for numbers in by_sector.values()) for index, level in enumerate(LEVELS)},
        levels_of_sector={
            (sector, level): numbers[index]
            for sector, numbers in by_sector.items()
            for index, level in enumerate(LEVELS)
        },
    )


def page(
    departments: Mapping[str, int], *, sectors: Mapping[str, Sequence[int]] | None = None, lines: Sequence[System] = ()
) -> Home:
    return home(
        PublicFigures(at=AT, counts=counts(departments, sectors=sectors), readable=0, systems=lines or SYSTEMS),
        bounds=SEASON,
    )


@pytest.mark.parametrize(
    ("offers", "expected"),
    [(0, 0), (1, 1), (199, 1), (200, 2), (349, 2), (350, 3), (599, 3), (600, 4), (999, 4), (1000, 5), (90_000, 5)],
)
def test_a_class_begins_at_its_bound(offers: int, expected: int) -> None:
    assert expected == class_of(offers, SEASON)


def test_the_legend_says_each_class_and_counts_its_departments() -> None:
    assert [
        LegendEntry(1, None, 199, 2),
        LegendEntry(2, 200, 349, 0),
        LegendEntry(3, 350, 599, 1),
        LegendEntry(4, 600, 999, 0),
        LegendEntry(5, 1000, None, 1),
    ] == legend([3, 199, 350, 5000], SEASON)


def test_departments_without_offers_are_an_entry_of_their_own() -> None:
    first, second, *_ = legend([0, 0, 5], SEASON)
    assert (LegendEntry(NO_OFFERS, 0, 0, 2), LegendEntry(1, 1, 199, 1)) == (first, second)


def test_classes_are_those_of_the_season_once_the_federation_is_large() -> None:
    assert SEASON == bounds_for(64_218, ON) == bounds_for(30_000, ON) == bounds_for(1_000_000, ON)
    assert SEASON == bounds_for(64_218, date(2027, 9, 15)), "a season without an entry takes the latest before it"
    assert SEASON == bounds_for(64_218, date(2020, 9, 15))


@pytest.mark.parametrize("total", [0, 1, 60, 300, 499, 500, 1_999, 2_000, 7_999, 8_000, 29_999, 30_000, 100_000])
def test_classes_suit_the_size_of_the_federation(total: int) -> None:
    """They grow, the first has a whole number in it, and an average department is neither below nor above all."""
    bounds = bounds_for(total, ON)
    assert 4 == len(set(bounds))
    assert sorted(bounds) == list(bounds)
    assert bounds[0] >= 2
    if total >= 300:
        assert class_of(total // 101, bounds) in {2, 3, 4}


def test_the_operator_sets_the_classes() -> None:
    facts = PublicFigures(at=AT, counts=counts({"29": 7}), readable=0, systems=SYSTEMS)
    assert 5 == next(one for one in home(facts, bounds=(2, 3, 4, 5)).departments if one.code == "29").map_class
    assert 1 == next(one for one in home(facts, bounds=SEASON).departments if one.code == "29").map_class


@pytest.mark.parametrize("seed", range(5))
def test_no_offer_is_lost_between_the_tables(seed: int) -> None:
    """The departments of the map, the collectivities, and offers of no known department make the total."""
    chance = Random(seed)
    departments = {code: chance.randrange(1_500) for code in DEPARTMENTS if chance.random() < 0.8}
    departments["2A"], departments["988"], departments["00"] = 12, 5, 3
    found = page(departments)
    assert 101 == len(found.departments)
    assert 3 == found.unplaced
    placed = sum(one.offers for one in (*found.departments, *found.elsewhere))
    assert found.total == placed + found.unplaced
    regions = sum(one.offers for one in (*found.with_platform, *found.by_national))
    assert found.total == regions + found.unplaced
    assert found.with_offers == sum(number > 0 for code, number in departments.items() if code in drawn_departments())
    assert 101 == sum(entry.departments for entry in found.legend)


def test_a_collectivity_is_in_the_tables_once_it_has_offers() -> None:
    found = page({"975": 4, "29": 1})
    assert [("975", 4)] == [(one.code, one.offers) for one in found.elsewhere]
    assert "Saint-Pierre-et-Miquelon" in [one.name for one in found.by_national]
    assert [] == page({"29": 1}).elsewhere
    assert 18 == len([*page({}).with_platform, *page({}).by_national])


def test_regions_are_in_two_groups_with_the_most_offers_first() -> None:
    found = page({"29": 5, "75": 9, "13": 7, "59": 2})
    assert ["Île-de-France", "Bretagne"] == [one.name for one in found.with_platform[:2]]
    assert ["Provence-Alpes-Côte d’Azur", "Hauts-de-France"] == [one.name for one in found.by_national[:2]]
    assert (9, 9) == (len(found.with_platform), len(found.by_national))
    assert 9 == found.most_of_region


def test_the_first_twelve_sectors_and_the_sum_of_all_others() -> None:
    sectors = {code: (number, number // 2, 1) for number, code in enumerate(SECTORS, 10)}
    found = page({"29": 1}, sectors=sectors)
    assert [SECTORS[index] for index in range(50, 38, -1)] == [one.code for one in found.first_sectors]
    assert 51 == len(found.sectors)
    for index in range(3):
        first = sum(one.levels[index] for one in found.first_sectors)
        assert found.levels[index] == first + found.other_sectors[index]
        assert found.other_sectors[index] == sum(numbers[index] for numbers in list(sectors.values())[:39])
    assert 60 + 30 + 1 == found.widest_bars


def test_sectors_without_offers_are_not_among_the_first() -> None:
    found = page({"29": 3}, sectors={"s7": (0, 2, 0), "s3": (1, 0, 0)})
    assert ["s7", "s3"] == [one.code for one in found.first_sectors]
    assert (0, 0, 0) == found.other_sectors


def test_a_federation_without_offers_has_a_page() -> None:
    found = page({})
    assert (0, 0, 0, 0) == (found.total, found.with_offers, found.widest_bars, found.most_of_region)
    assert [NO_OFFERS, 1, 2, 3, 4, 5] == [entry.number for entry in found.legend]


def test_the_systems_have_a_region_and_a_name_of_their_own() -> None:
    lines = [replace(one, health="late" if one.platform == "bretagne" else "fresh") for one in SYSTEMS]
    found = page({}, lines=lines)
    assert (11, 12) == (found.fresh, len(found.systems))
    assert SystemLine("regional", "Bretagne", "IDÉO", "late") in found.systems
    assert SystemLine("national", "", "1 élève 1 stage", "fresh") in found.systems
    assert SystemLine("uncovered", "Hauts-de-France", "", "fresh") in found.systems
    renamed = [replace(one, name="Stages bretons") if one.platform == "bretagne" else one for one in SYSTEMS]
    assert SystemLine("regional", "Stages bretons", "", "unconnected") in page({}, lines=renamed).systems


def test_the_next_stay_is_that_of_the_calendar_until_its_last_day() -> None:
    june = Stay(date(2027, 6, 14), date(2027, 6, 25), (24, 25))
    assert june == next_stay(ON) == next_stay(date(2027, 6, 25))
    after = next_stay(date(2027, 6, 26))
    assert after is not None
    assert 2028 == after.first.year
    assert next_stay(date(2090, 1, 1)) is None


def test_the_lead_counts_the_systems_that_the_page_lists() -> None:
    kinds = [one.kind for one in page({}).systems]
    others = kinds.count("national"), kinds.count("uncovered")
    assert (12, (1, 2), 9) == (len(kinds), others, len(kinds) - sum(others))
    french, english = (str(texts_of("home", language).lead) for language in ("fr", "en"))
    assert all(words in french for words in ("douze systèmes", "neuf plateformes", "le site national", "deux Régions"))
    assert all(words in english for words in ("twelve systems", "nine regional", "the national site", "two Regions"))
