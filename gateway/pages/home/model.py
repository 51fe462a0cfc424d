"""View model of the home page, from counts and systems. Pure: no request, no language, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import schemas
from gateway.federation.figures import PublicFigures
from gateway.operate.health import Health, System
from gateway.operate.status import Kind
from gateway.pages.base.wording import names_of, typographic
from gateway.pages.home.map_class import LegendEntry, bounds_for, class_of, legend
from gateway.pages.map.outlines import drawn_departments
from gateway.partners.onboarding import presets
from gateway.protocol.paris_time import paris_date
from gateway.store.public_counts import PublicCounts
from schemas.closed_list import closed_list
from schemas.schoolyear import monday_of, years

LEVELS = closed_list("levels")[::-1]
SECTORS_FIRST = 12
_FRIDAY = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Department:
    """A department or collectivity: its live offers, and its class on the map."""

    code: str
    name: str
    region: str
    offers: int
    map_class: int


@dataclass(frozen=True, slots=True)
class Region:
    """A region, or a collectivity with offers: its live offers."""

    code: str
    name: str
    offers: int


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector: its live offers by level, in the order of ``LEVELS``; an offer counts in each of its levels."""

    code: str
    name_fr: str
    name_en: str
    offers: int
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One of the twelve systems. ``region`` is the first part of its name, the Region of a regional platform; ``own``
    the rest, empty without one.
    """

    kind: Kind
    region: str
    own: str
    health: Health


@dataclass(frozen=True, slots=True)
class Stay:
    """The next mandatory stay of seconde: first and last day, and its ISO weeks."""

    first: date
    last: date
    weeks: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The page. ``readable``: how many of all offers are open to everybody. ``departments`` are the 101 of the map,
    ``elsewhere`` collectivities with offers; ``unplaced`` is the number of offers without either. ``with_platform``
    are the regions with a platform of their own, most offers first, ``by_national`` all others. ``other_sectors`` sums
    up those after the first, by level; ``widest_bars`` the longest bars of the levels.
    """

    at: int
    total: int
    readable: int
    with_offers: int
    fresh: int
    stay: Stay | None
    departments: Sequence[Department]
    elsewhere: Sequence[Department]
    unplaced: int
    legend: Sequence[LegendEntry]
    with_platform: Sequence[Region]
    by_national: Sequence[Region]
    most_of_region: int
    systems: Sequence[SystemLine]
    sectors: Sequence[Sector]
    first_sectors: Sequence[Sector]
    other_sectors: tuple[int, ...]
    widest_bars: int
    levels: tuple[int, ...]


def home(facts: PublicFigures, *, bounds: Sequence[int] | None = None) -> Home:
    """The page of these facts. ``bounds``: the operator's classes of the map; None: those of the season."""
    counts, on = facts.counts, date.fromisoformat(paris_date(facts.at))
    if bounds is None:
        bounds = bounds_for(counts.total, on)
    departments = _departments(counts, bounds)
    drawn = [one for one in departments if one.code in drawn_departments()]
    elsewhere = [one for one in departments if one.code not in drawn_departments() and one.offers]
    with_platform, by_national = _regions(counts)
    sectors = _sectors(counts)
    first = [one for one in sectors[:SECTORS_FIRST] if one.offers]
    levels = tuple(counts.levels.get(level, 0) for level in LEVELS)
    return Home(
        at=facts.at,
        total=counts.total,
        readable=facts.readable,
        with_offers=sum(one.offers > 0 for one in drawn),
        fresh=sum(one.health == "fresh" for one in facts.systems),
        stay=next_stay(on),
        departments=drawn,
        elsewhere=elsewhere,
        unplaced=counts.total - sum(one.offers for one in departments),
        legend=legend((one.offers for one in drawn), bounds),
        with_platform=with_platform,
        by_national=by_national,
        most_of_region=max(one.offers for one in (*with_platform, *by_national)),
        systems=[_line(one) for one in facts.systems],
        sectors=sectors,
        first_sectors=first,
        other_sectors=tuple(all_ - sum(one.levels[index] for one in first) for index, all_ in enumerate(levels)),
        widest_bars=sum(map(max, zip(*(one.levels for one in first), strict=True))),
        levels=levels,
    )


def next_stay(on: date) -> Stay | None:
    """The mandatory stay of seconde that has not ended on a day; None if its school year is not on file."""
    for year in years():
        mondays = [monday for week in year.weeks if (monday := monday_of(week)) is not None]
        if mondays and max(mondays) + _FRIDAY >= on:
            weeks = tuple(monday.isocalendar().week for monday in mondays)
            return Stay(min(mondays), max(mondays) + _FRIDAY, weeks)
    return None


def _departments(counts: PublicCounts, bounds: Sequence[int]) -> list[Department]:
    found = [
        Department(
            code=item["code"],
            name=typographic(item["name"]),
            region=names_of("regions")[item["region"]],
            offers=counts.departments.get(item["code"], 0),
            map_class=class_of(counts.departments.get(item["code"], 0), bounds),
        )
        for item in schemas.reference("departments")["items"]
    ]
    return sorted(found, key=lambda one: one.code)


def _regions(counts: PublicCounts) -> tuple[list[Region], list[Region]]:
    """The regions with a platform of their own, and the others; collectivities only with offers."""
    departments = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    own = {departments[code] for preset in presets().values() for code in preset.territory}
    groups: tuple[list[Region], list[Region]] = [], []
    for item in schemas.reference("regions")["items"]:
        offers = counts.regions.get(item["code"], 0)
        if item["kind"] == "region" or offers:
            groups[item["code"] not in own].append(Region(item["code"], typographic(item["name"]), offers))
    for group in groups:
        group.sort(key=lambda one: (-one.offers, one.name))
    return groups


def _sectors(counts: PublicCounts) -> list[Sector]:
    """All sectors, most offers first."""
    found = [
        Sector(
            code=item["code"],
            name_fr=typographic(item["name"]),
            name_en=typographic(item["name_en"]),
            offers=counts.sectors.get(item["code"], 0),
            levels=tuple(counts.levels_of_sector.get((item["code"], level), 0) for level in LEVELS),
        )
        for item in schemas.reference("sectors")["items"]
    ]
    return sorted(found, key=lambda one: (-one.offers, one.name_fr))


def _line(system: System) -> SystemLine:
    name = typographic(system.name)
    if system.kind == "national":
        return SystemLine(system.kind, "", name, system.health)
    region, _, own = name.partition(" – ")
    return SystemLine(system.kind, region, own, system.health)
