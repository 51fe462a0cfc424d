"""Searching the facet index: the bitmaps that a search names, combined until they say which offers it is for.

As integers, so that the cost grows with the chunks and not with the offers; where few can match, as sets of numbers.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

from gateway.damage import ChecksumError, require
from gateway.views.bitmap import CHUNK, FEW, bitmap, numbers_in, ones, overlap, unpack
from gateway.views.facet import Search
from gateway.views.facet_index import LIVE, Tail
from gateway.views.place import offset_at, place_of

_COUNTS = """SELECT facet, sum(count), sum(abs(count + inverse + 1)) FROM facets
    WHERE facet IN ({}) AND chunk BETWEEN ? AND ? GROUP BY facet"""
_CHUNKS = "SELECT DISTINCT chunk FROM facets WHERE facet IN ({}) AND chunk BETWEEN ? AND ? ORDER BY chunk"
_OF_CHUNK = "SELECT sum, facet, chunk, count, bits FROM facets WHERE facet IN ({}) AND chunk = ?"
_BETWEEN = "SELECT sum, facet, chunk, count, bits FROM facets WHERE facet IN ({}) AND chunk BETWEEN ? AND ?"
_SPARSE = 2 * FEW

Bits: TypeAlias = Any
"""Some places of a chunk: an integer of 65,536 bits or, where they are few, a frozenset of their numbers. Both know
``&``, ``|`` and ``^``.
"""


def find(db: sqlite3.Connection, tail: Tail, search: Search, *, partition: int, start: int, stop: int) -> Iterator[int]:
    """The places from offset ``start`` to before ``stop`` of a partition that hold what is searched, in order."""
    for base, bits in _matches(db, tail, search, partition=partition, start=start, stop=stop):
        skipped = max(0, start - base)
        found = bits >> skipped << skipped
        if stop < base + CHUNK:
            found &= (1 << max(0, stop - base)) - 1
        for bit in ones(found):
            yield place_of(partition, base + bit)


def tally(db: sqlite3.Connection, tails: Sequence[Tail], search: Search) -> int:
    """How many places hold what is searched."""
    return sum(
        found.bit_count()
        for partition, tail in enumerate(tails)
        for _, found in _matches(db, tail, search, partition=partition, start=0, stop=place_of(1, 0))
    )


def _matches(
    db: sqlite3.Connection, tail: Tail, search: Search, *, partition: int, start: int, stop: int
) -> Iterator[tuple[int, int]]:
    """Base offset and matching bits of every chunk between two offsets, then of the tail."""
    first, last = (place_of(partition, offset) // CHUNK for offset in (start, min(stop, tail.base)))
    for chunk, found in _stored_matches(db, search, first, last):
        yield offset_at(chunk * CHUNK), found
    if stop > tail.base:
        yield tail.base, _combine(_Newest(tail), search)


def _stored_matches(db: sqlite3.Connection, search: Search, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Every chunk with matching bits. Where the rarest group has few in all chunks, those alone are looked at, in all
    chunks at once; else chunk by chunk, for as long as somebody asks.
    """
    groups = list(search.groups) or [(LIVE,)]
    asked = [facet for group in groups for facet in group]
    counts: dict[str, int] = {}
    for facet, count, wrong in db.execute(_COUNTS.format(_marks(asked)), (*asked, first, last)).fetchall():
        if wrong:
            raise ChecksumError(f"the counts of the facet {facet!r} do not match")
        counts[facet] = count
    groups.sort(key=lambda group: _sum(counts, group))
    rarest = groups[0]
    count = _sum(counts, rarest)
    if not count:
        return
    if count <= _SPARSE:
        yield from _few_matches(db, search, groups, first, last)
        return
    asked = [LIVE, *search.facets]
    chunks = db.execute(_CHUNKS.format(_marks(rarest)), (*rarest, first, last)).fetchall()
    for (chunk,) in chunks:
        found = _combine(_Chunk(db, chunk, asked), search)
        if found:
            yield chunk, found


def _few_matches(
    db: sqlite3.Connection, search: Search, groups: Sequence[Sequence[str]], first: int, last: int
) -> Iterator[tuple[int, int]]:
    """The same for few: the numbers of the rarest group's bits, and which of them the others have."""
    rarest, *others = groups
    found: dict[int, frozenset[int]] = {}
    for _, chunk, _, packed in _whole(db.execute(_BETWEEN.format(_marks(rarest)), (*rarest, first, last))):
        found[chunk] = found.get(chunk, frozenset()).union(numbers_in(packed))
    for group in others:
        found = _union(_having(db, group, found).values())
    told = (LIVE, search.audience, search.passed, search.own or "")
    having = _having(db, told, found)
    for chunk in sorted(found):
        live, audience, passed, own = (having.get(facet, {}).get(chunk, frozenset()) for facet in told)
        seen = live & (audience - passed | own)
        if seen:
            yield chunk, bitmap(seen)


def _having(
    db: sqlite3.Connection, facets: Sequence[str], found: Mapping[int, frozenset[int]]
) -> Mapping[str, Mapping[int, frozenset[int]]]:
    """By facet and chunk: those of some numbers that have the facet."""
    having: dict[str, dict[int, frozenset[int]]] = {}
    if found:
        bounds = min(found), max(found)  # chunks in between are read in vain: one by one they take longer
        for facet, chunk, _, packed in _whole(db.execute(_BETWEEN.format(_marks(facets)), (*facets, *bounds))):
            some = frozenset(overlap(packed, found.get(chunk, frozenset())))
            if some:
                having.setdefault(facet, {})[chunk] = some
    return having


def _whole(rows: sqlite3.Cursor) -> Iterator[tuple[str, int, int, bytes]]:
    """Facet, chunk, count and bits of rows whose checksums match. Raises ChecksumError."""
    for stored, facet, chunk, count, packed in rows.fetchall():
        require(stored, facet, chunk, count, packed)
        yield facet, chunk, count, packed


def _union(several: Iterable[Mapping[int, frozenset[int]]]) -> dict[int, frozenset[int]]:
    union: dict[int, frozenset[int]] = {}
    for found in several:
        for chunk, some in found.items():
            union[chunk] = union.get(chunk, frozenset()) | some
    return union


def _sum(counts: Mapping[str, int], facets: Sequence[str]) -> int:
    return sum(counts.get(facet, 0) for facet in facets)


class _Chunk:
    """The stored bitmaps of one chunk, as far as they are asked for."""

    def __init__(self, db: sqlite3.Connection, chunk: int, asked: Sequence[str]) -> None:
        rows = list(_whole(db.execute(_OF_CHUNK.format(_marks(asked)), (*asked, chunk))))
        self._counts = {facet: count for facet, _, count, _ in rows}
        self._packed = {facet: packed for facet, _, _, packed in rows}

    def count(self, facets: Sequence[str]) -> int:
        return _sum(self._counts, facets)

    def any_of(self, facets: Sequence[str], among: Bits | None = None) -> Bits:
        """The bits that have one of the facets; only those ``among`` some others, and in their form, where given."""
        few = self.count(facets) <= FEW if among is None else isinstance(among, frozenset)
        rows = [self._packed[facet] for facet in facets if facet in self._packed]
        if not few:
            some = 0
            for packed in rows:
                some |= unpack(packed)
            return some if among is None else some & among
        if among is None:
            return frozenset(chain.from_iterable(map(numbers_in, rows)))
        return frozenset(chain.from_iterable(overlap(packed, among) for packed in rows))


class _Newest:
    """The bitmaps of a tail, asked in the same way."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail

    def count(self, facets: Sequence[str]) -> int:
        return int(self.any_of(facets)).bit_count()

    def any_of(self, facets: Sequence[str], among: Bits | None = None) -> Bits:
        some = 0
        for facet in facets:
            some |= self._tail.live if facet == LIVE else self._tail.bits.get(facet, 0)
        return some if among is None else some & among


def _combine(bitmaps: _Chunk | _Newest, search: Search) -> int:
    """The bits of the living that the search is for. The rarest group is read first: often it settles the matter."""
    groups = sorted([(LIVE,), *search.groups], key=bitmaps.count)
    found = bitmaps.any_of(groups[0])
    for group in groups[1:]:
        if found:
            found = bitmaps.any_of(group, found)
    if not found:
        return 0
    seen = bitmaps.any_of((search.audience,), found)
    seen ^= bitmaps.any_of((search.passed,), seen)
    if search.own is not None:
        seen |= bitmaps.any_of((search.own,), found)
    return bitmap(seen) if isinstance(seen, frozenset) else int(seen)


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
