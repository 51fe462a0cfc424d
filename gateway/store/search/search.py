"""Searches in the index: the union of each group, the intersection of all, minus offers hidden from the reader.

Pure functions.
"""

from collections.abc import Callable, Iterable, Iterator

from pyroaring import BitMap

from gateway.store.search.facet import Search
from gateway.store.search.search_index import (
    SEGMENT_BITS,
    Segment,
    Segments,
    split,
)

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


def count(segments: Segments, search: Search) -> int:
    """The number of offers that a search finds."""
    return sum(len(_match(segment, search)) for segment in segments.values())


def _match(segment: Segment, search: Search) -> BitMap:
    """The offsets that a search finds. Groups of few facets come first, since they often narrow the result most."""
    found = segment.live
    for group in sorted(search.groups, key=len):
        found = _narrow(found, segment, group)
        if not found:
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
