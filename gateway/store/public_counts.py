"""Counts of the offers that everybody may see: by department, region, sector and level. Pure.

An offer counts while it is live, at the place of the internship, where its publisher allows regions or the national
site to show it (RTE-002) and reserves it for no school (NAT-002): so no number reveals an offer that no site shows.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pyroaring import BitMap

from gateway.protocol.visibility import Filter
from gateway.store.search.search import RESERVED, offsets_of, public_search
from gateway.store.search.search_index import Segment, Segments

_AUDIENCES = ("audience:national", "audience:regions")
_DEPARTMENT, _LEVEL, _SECTOR = "department:", "level:", "sector:"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicCounts:
    """Codes with their numbers of offers; codes without any are left out. ``total`` counts each offer once, ``levels``
    and ``levels_of_sector`` (by sector and level) each of its levels.
    """

    total: int
    departments: Mapping[str, int]
    regions: Mapping[str, int]
    sectors: Mapping[str, int]
    levels: Mapping[str, int]
    levels_of_sector: Mapping[tuple[str, str], int]


def public_counts(segments: Segments) -> PublicCounts:
    """Count in the search index, as of one transaction."""
    total = 0
    counts: Counter[str] = Counter()
    crossed: Counter[tuple[str, str]] = Counter()
    for segment in segments.values():
        public = _public(segment)
        total += len(public)
        facets = list(segment.postings)  # the writing thread may add others meanwhile
        levels = {
            facet.removeprefix(_LEVEL): public & segment.postings[facet] for facet in facets if facet.startswith(_LEVEL)
        }
        for facet in facets:
            if facet.startswith(("department:", "region:", _SECTOR, _LEVEL)):
                counts[facet] += public.intersection_cardinality(segment.postings[facet])
            if facet.startswith(_SECTOR):
                sector = facet.removeprefix(_SECTOR)
                for level, offers in levels.items():
                    crossed[sector, level] += offers.intersection_cardinality(segment.postings[facet])
    return PublicCounts(
        total=total,
        departments=_of(counts, "department:"),
        regions=_of(counts, "region:"),
        sectors=_of(counts, _SECTOR),
        levels=_of(counts, _LEVEL),
        levels_of_sector={pair: number for pair, number in crossed.items() if number},
    )


def open_departments(segments: Segments, platforms: Collection[str]) -> Mapping[str, int]:
    """By department the offers of these platforms that everybody may see."""
    counts: Counter[str] = Counter()
    for number, found in offsets_of(segments, public_search(Filter(platform=frozenset(platforms)))).items():
        postings = segments[number].postings
        for facet in list(postings):
            if facet.startswith(_DEPARTMENT):
                counts[facet] += found.intersection_cardinality(postings[facet])
    return _of(counts, _DEPARTMENT)


def _public(segment: Segment) -> BitMap:
    allowed = [segment.postings[facet] for facet in _AUDIENCES if facet in segment.postings]
    public = segment.live & BitMap.union(*allowed) if allowed else BitMap()
    reserved = segment.postings.get(RESERVED)
    return public if reserved is None else public - reserved


def _of(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {
        facet.removeprefix(prefix): number for facet, number in counts.items() if number and facet.startswith(prefix)
    }
