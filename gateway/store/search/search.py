"""Searches: what a reader and its filter ask of the index, as groups of facets, and their evaluation.

Pure functions.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from pyroaring import BitMap

from gateway.protocol.record import OfferOutline
from gateway.protocol.visibility import Filter, Reader
from gateway.store.search.search_index import (
    GONE,
    SEGMENT_BITS,
    Segment,
    Segments,
    split,
)

OUTSIDER = Reader("")
"""A reader that is the publisher of no offer."""

RESERVED = "reserved"
"""The facet of offers that are reserved for certain schools."""
OPEN = "open"
"""The facet of offers that everybody may see once their platform agrees."""
WARNED = "warned:"
"""Before the code of a warning that the offer got: a facet of facts for its platform, not of a reader's filter."""
_LOCATED = "located"
_SCALE = 10
_MAX_BANDS = 128


def facets_of(
    outline: OfferOutline, visible: Mapping[str, Any], *, publisher: str, allowed: Collection[str]
) -> list[str]:
    """The facets of a live offer; ``visible`` is the offer as an outsider sees it, ``allowed`` its audiences."""
    territory = outline.territory
    if territory is None:
        return []
    facets = [
        f"department:{territory['department']}",
        f"region:{territory['region']}",
        f"sector:{visible['sector']}",
        f"platform:{publisher}",
    ]
    facets += ["level:" + level for level in visible["levels"]]
    facets += ["week:" + week for week in visible["weeks"]]
    facets += ["audience:" + audience for audience in allowed]
    facets += ["passed:" + slug for slug in outline.provenance]
    facets += [WARNED + code for code in outline.warned]
    if visible.get("restrictions", {}).get("schools"):
        facets.append(RESERVED)
    location = visible["location"]
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if latitude is not None and longitude is not None:
        facets += [
            _LOCATED,
            f"latitude:{floor(latitude * _SCALE)}",
            f"longitude:{floor(longitude * _SCALE)}",
        ]
    return facets


def marker_facets(outline: OfferOutline, *, publisher: str) -> list[str]:
    """The facets of the marker of an offer that was withdrawn."""
    return [f"{GONE}{outline.reason}", f"platform:{publisher}"]


@dataclass(frozen=True, slots=True)
class Search:
    """A search: at least one facet of every group; and either ``audience`` without ``passed``, or ``own``; without an
    ``audience`` no more. ``gone``: it finds markers of offers, not live ones.

    It finds all offers that the filter matches and the reader may see, and with a bounding box some more around it.
    """

    groups: tuple[tuple[str, ...], ...]
    audience: str
    passed: str
    own: str | None
    gone: bool = False


def search_for(criteria: Filter, *, reader: Reader, own: bool) -> Search:
    """The search behind a reader's filter; ``own`` adds the reader's own offers."""
    return Search(
        groups=_groups(criteria),
        audience=f"audience:{reader.audience}",
        passed=f"passed:{reader.platform}",
        own=f"platform:{reader.platform}" if own else None,
    )


def public_search(criteria: Filter) -> Search:
    """The search of a visitor without an account, whose filter names the platforms that agree."""
    return Search(groups=_groups(criteria), audience=OPEN, passed=f"passed:{OUTSIDER.platform}", own=None)


def whole_search(criteria: Filter) -> Search:
    """The search of an operator, or of a platform whose filter names itself: those that no other reader gets, too."""
    return Search(groups=_groups(criteria), audience="", passed="", own=None)


def gone_search(criteria: Filter, reasons: Collection[str]) -> Search:
    """As ``whole_search``, of the markers of offers that were withdrawn for one of these reasons. They have no other
    facets than platform and reason.
    """
    of_reason = tuple(GONE + reason for reason in sorted(reasons))
    return Search(groups=(of_reason, *_groups(criteria)), audience="", passed="", own=None, gone=True)


def _groups(criteria: Filter) -> tuple[tuple[str, ...], ...]:
    groups = [
        tuple(f"{name}:{value}" for value in sorted(getattr(criteria, name)))
        for name in ("sector", "department", "region", "platform", "week", "level")
    ]
    if criteria.bbox is not None:
        west, south, east, north = criteria.bbox
        groups += [_bands("latitude", south, north), _bands("longitude", west, east)]
    return tuple(group for group in groups if group)


def _bands(axis: str, low: float, high: float) -> tuple[str, ...]:
    """The bands of a tenth of a degree between two coordinates; the facet of all located offers for too many."""
    bands = range(floor(low * _SCALE), floor(high * _SCALE) + 1)
    return tuple(f"{axis}:{band}" for band in bands) if len(bands) <= _MAX_BANDS else (_LOCATED,)


_FEW = 64


def find(segments: Segments, search: Search, *, start: int, stop: int) -> Iterator[int]:
    """The log offsets from ``start`` to before ``stop`` of what a search finds, in order."""
    return _between(segments, lambda segment: _match(segment, search), start, stop)


def rows_between(segments: Segments, *, start: int, stop: int) -> Iterator[int]:
    """The log offsets from ``start`` to before ``stop`` that have a row, live or marker, in order."""
    return _between(segments, lambda segment: segment.live | segment.markers, start, stop)


def _between(segments: Segments, chosen: Callable[[Segment], BitMap], start: int, stop: int) -> Iterator[int]:
    first, last = split(start)[0], split(stop)[0]
    for number in sorted(number for number in segments if first <= number <= last):
        base = number << SEGMENT_BITS
        for offset in chosen(segments[number]).iter_equal_or_larger(max(0, start - base)):
            if base + offset >= stop:
                return
            yield base + offset


def offsets_of(segments: Segments, search: Search) -> dict[int, BitMap]:
    """By segment the offsets of what a search finds; segments without any are left out."""
    return {number: found for number, segment in segments.items() if (found := _match(segment, search))}


def count(segments: Segments, search: Search) -> int:
    """The number of offers that a search finds."""
    return sum(len(_match(segment, search)) for segment in segments.values())


def _match(segment: Segment, search: Search) -> BitMap:
    """The offsets that a search finds. Groups of few facets come first, since they often narrow the result most."""
    found = segment.markers if search.gone else segment.live
    for group in sorted(search.groups, key=len):
        found = _narrow(found, segment, group)
        if not found:
            return found
    if not search.audience:
        return found
    seen = _narrow(found, segment, (search.audience,))
    passed = segment.postings.get(search.passed)
    if passed is not None:
        seen = seen - passed
    return seen if search.own is None else seen | _narrow(found, segment, (search.own,))


def _narrow(found: BitMap, segment: Segment, facets: Iterable[str]) -> BitMap:
    """Those of some offsets that have one of the facets."""
    some = [posting for facet in facets if (posting := segment.postings.get(facet)) is not None]
    if len(some) == 1:
        return found & some[0]
    if not some:
        return BitMap()
    if len(found) <= _FEW * len(some):
        return BitMap.union(*(found & posting for posting in some))
    return found & BitMap.union(*some)
