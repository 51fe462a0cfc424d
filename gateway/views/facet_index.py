"""The facet index: for every facet, which places hold a live offer with it, as bitmaps over stretches of offsets.

A chunk is 65,536 offsets of one partition. Its bitmaps lie in the table ``facets``, one row per facet; a search reads
the rows it names and combines them as integers, so that its cost grows with the chunks and not with the offers. The
newest offsets of each partition, 8,192 at most, are kept in memory and written out together: a bitmap rewritten for
every record would cost more than the record. A restart finds them again from the offers themselves.
"""

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple, TypeAlias

from gateway.views import twin_index
from gateway.views.facet import CELL, Search
from gateway.views.place import offset_at, partition_at, place_of
from gateway.views.twin_index import Places, places_in

SCHEMA = """
CREATE TABLE facets (
    facet TEXT, chunk INTEGER, count INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (facet, chunk)
);  -- with row ids: their index is narrow, bitmaps are not, and a search walks over many
CREATE TABLE tails (partition INTEGER PRIMARY KEY, base INTEGER NOT NULL, live BLOB NOT NULL);
"""
CHUNK = 65_536
STEP = 8_192
_BYTES = CHUNK // 8
_FEW = 128
_LONELY = 8
_COUNTS = "SELECT facet, sum(count) FROM facets WHERE facet IN ({}) AND chunk BETWEEN ? AND ? GROUP BY facet"
_CHUNKS = "SELECT DISTINCT chunk FROM facets WHERE facet IN ({}) AND chunk BETWEEN ? AND ? ORDER BY chunk"
_OF_CHUNK = "SELECT facet, count, bits FROM facets WHERE facet IN ({}) AND chunk = ?"
_BETWEEN = "SELECT facet, chunk, bits FROM facets WHERE facet IN ({}) AND chunk BETWEEN ? AND ?"
_REPLACE = """INSERT INTO facets VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = excluded.count, bits = excluded.bits"""
# Numbers can be appended without being read: a step holds offsets that no earlier one did.
_APPEND = """INSERT INTO facets VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count, bits = CAST(bits || excluded.bits AS BLOB)"""
_BITS = "SELECT bits FROM facets WHERE facet IN ({}) AND chunk = ?"
_SPARSE = 2 * _FEW
_LIVE = "live"
_WORD = 512


Bits: TypeAlias = Any
"""Some places of a chunk: an integer of 65,536 bits or, where they are few, a frozenset of their numbers. Both know
``&``, ``|`` and ``^``.
"""


class Found(NamedTuple):
    """A live offer: its place, and the facets and the twin keys under which it is to be found."""

    place: int
    facets: Iterable[str]
    keys: Iterable[int]


Finds: TypeAlias = Callable[[sqlite3.Connection, int], Iterable[Found]]
"""Gives the live offers from a place to the end of its partition."""


class Tail(NamedTuple):
    """The newest offsets of a partition, from ``base`` on. ``bits`` and ``twins`` are shared with the writer and may
    hold more than is committed; ``live`` is as it was committed.
    """

    base: int
    live: int
    bits: dict[str, int]
    twins: dict[int, Places]

    def lives(self, place: int) -> bool:
        """Whether a place of this tail holds a live offer."""
        return bool(self.live >> offset_at(place) - self.base & 1)


class FacetIndex:
    """Written by the view's writing thread inside its transaction; ``publish`` makes a transaction's work visible."""

    def __init__(self, partitions: int, *, settled: bool) -> None:
        self._tails = [Tail(0, 0, {}, {}) for _ in range(partitions)]
        self.tails: Sequence[Tail] = tuple(self._tails)
        self.settled = settled
        """Whether twin keys are written; else they will be built at once."""

    def load(self, db: sqlite3.Connection, finds: Finds) -> None:
        """Start from the file."""
        for partition, (base, _) in enumerate(noted(db, len(self._tails))):
            self._tails[partition] = Tail(base, 0, {}, {})
            self.add(db, finds(db, place_of(partition, base)))
        self.publish()

    def add(self, db: sqlite3.Connection, offers: Iterable[Found]) -> None:
        """Live offers, in order, at places beyond all earlier ones of their partitions."""
        for window in windows(offers):
            partition, offset = partition_at(window.start), offset_at(window.start)
            tail = self._tails[partition]
            if offset >= tail.base + STEP:
                self._seal(db, partition, tail)
                tail = Tail(offset - offset % STEP, 0, {}, {})
            window.join(tail)
            self._tails[partition] = tail._replace(live=tail.live | window.live << offset - tail.base)

    def build(self, db: sqlite3.Connection) -> None:
        """Write the twin keys of all offers but those of the tails."""
        bounds = [(place_of(p, 0), place_of(p, tail.base)) for p, tail in enumerate(self._tails)]
        twin_index.build(db, bounds)

    def discard(self, db: sqlite3.Connection, places: Iterable[int]) -> None:
        """These places will hold no live offer any more, as they still do. Of the bitmaps only that of the living
        changes; every search looks there.
        """
        gone: dict[int, int] = {}
        written: list[int] = []
        for place in places:
            partition, offset = partition_at(place), offset_at(place)
            tail = self._tails[partition]
            if offset >= tail.base:
                self._tails[partition] = tail._replace(live=tail.live & ~(1 << offset - tail.base))
            else:
                gone[place // CHUNK] = gone.get(place // CHUNK, 0) | 1 << offset % CHUNK
                written.append(place)
        if written and self.settled:
            twin_index.forget(db, written)
        for chunk, bits in gone.items():
            row = db.execute("SELECT bits FROM facets WHERE facet = ? AND chunk = ?", (_LIVE, chunk)).fetchone()
            live = unpack(row[0]) & ~bits if row else 0
            if live:
                db.execute(_REPLACE, _stored(_LIVE, chunk, live))
            else:
                db.execute("DELETE FROM facets WHERE chunk = ?", (chunk,))

    def note(self, db: sqlite3.Connection) -> None:
        """Write down where the tails begin and which of their offers live, for other processes that follow."""
        moved = [
            (partition, tail.base, tail.live.to_bytes(STEP // 8, "little"))
            for partition, (tail, before) in enumerate(zip(self._tails, self.tails, strict=True))
            if tail is not before
        ]
        db.executemany("INSERT OR REPLACE INTO tails VALUES (?, ?, ?)", moved)

    def publish(self) -> None:
        """What was written is committed: searches that begin from now on see it."""
        self.tails = tuple(self._tails)

    def withdraw(self) -> None:
        """What was written since the last ``publish`` was rolled back."""
        self._tails = list(self.tails)

    def _seal(self, db: sqlite3.Connection, partition: int, tail: Tail) -> None:
        if not tail.live:
            return
        chunk, shift = place_of(partition, tail.base) // CHUNK, tail.base % CHUNK
        cells, others = [], []
        for facet, bits in [(_LIVE, tail.live), *tail.bits.items()]:
            if facet.startswith(CELL):
                cells.append((facet, chunk, bits.bit_count(), _numbers(bits, shift)))
            else:
                row = db.execute(_BITS.format("?"), (facet, chunk)).fetchone()
                others.append(_stored(facet, chunk, bits << shift | (unpack(row[0]) if row else 0)))
        db.executemany(_REPLACE, others)
        db.executemany(_APPEND, cells)
        if self.settled:
            low, live = place_of(partition, tail.base), tail.live.to_bytes(STEP // 8, "little")
            keys = ((key, place) for key, places in tail.twins.items() for place in places_in(places))
            rows = [row for row in keys if live[row[1] - low >> 3] >> (row[1] - low & 7) & 1]
            twin_index.write(db, sorted(rows))


class Window(NamedTuple):
    """Live offers within 512 offsets from a place on, with bitmaps that are short: so the long ones of a tail are
    touched once for many offers. ``keys`` are pairs of a twin key and a place.
    """

    start: int
    live: int
    bits: Mapping[str, int]
    keys: Sequence[tuple[int, int]]

    def join(self, tail: Tail) -> None:
        """Let a tail know what is found where."""
        shift = offset_at(self.start) - tail.base
        for facet, some in self.bits.items():
            tail.bits[facet] = tail.bits.get(facet, 0) | some << shift
        twin_index.join(tail.twins, self.keys)


def windows(offers: Iterable[Found]) -> Iterator[Window]:
    """Offers, in order, by the window in which they lie."""
    for window, some in groupby(offers, key=lambda offer: offer[0] // _WORD):
        start, live = window * _WORD, 0
        bits: dict[str, int] = {}
        keys: list[tuple[int, int]] = []
        for place, facets, twins in some:
            bit = 1 << place - start
            live |= bit
            for facet in facets:
                bits[facet] = bits.get(facet, 0) | bit
            keys += [(key, place) for key in twins]
        yield Window(start, live, bits, keys)


def noted(db: sqlite3.Connection, partitions: int) -> list[tuple[int, int]]:
    """Where the tail of each partition begins, and which of its offers live."""
    tails = {partition: (base, live) for partition, base, live in db.execute("SELECT partition, base, live FROM tails")}
    found = (tails.get(partition, (0, b"")) for partition in range(partitions))
    return [(base, int.from_bytes(live, "little")) for base, live in found]


def _stored(facet: str, chunk: int, bits: int) -> tuple[str, int, int, bytes]:
    return facet, chunk, bits.bit_count(), pack(bits)


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
    groups = list(search.groups) or [(_LIVE,)]
    asked = [facet for group in groups for facet in group]
    counts: dict[str, int] = dict(db.execute(_COUNTS.format(_marks(asked)), (*asked, first, last)).fetchall())
    groups.sort(key=lambda group: _sum(counts, group))
    rarest = groups[0]
    count = _sum(counts, rarest)
    if not count:
        return
    if count <= _SPARSE:
        yield from _few_matches(db, search, groups, first, last)
        return
    asked = [_LIVE, *search.facets]
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
    for _, chunk, packed in db.execute(_BETWEEN.format(_marks(rarest)), (*rarest, first, last)).fetchall():
        found[chunk] = found.get(chunk, frozenset()).union(_numbers_in(packed))
    for group in others:
        found = _union(_having(db, group, found).values())
    told = (_LIVE, search.audience, search.passed, search.own or "")
    having = _having(db, told, found)
    for chunk in sorted(found):
        live, audience, passed, own = (having.get(facet, {}).get(chunk, frozenset()) for facet in told)
        seen = live & (audience - passed | own)
        if seen:
            yield chunk, _bitmap(seen)


def _having(
    db: sqlite3.Connection, facets: Sequence[str], found: Mapping[int, frozenset[int]]
) -> Mapping[str, Mapping[int, frozenset[int]]]:
    """By facet and chunk: those of some numbers that have the facet."""
    having: dict[str, dict[int, frozenset[int]]] = {}
    if found:
        bounds = min(found), max(found)  # chunks in between are read in vain: one by one they take longer
        for facet, chunk, packed in db.execute(_BETWEEN.format(_marks(facets)), (*facets, *bounds)).fetchall():
            some = frozenset(_among(packed, found.get(chunk, frozenset())))
            if some:
                having.setdefault(facet, {})[chunk] = some
    return having


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
        rows = db.execute(_OF_CHUNK.format(_marks(asked)), (*asked, chunk)).fetchall()
        self._counts = {facet: count for facet, count, _ in rows}
        self._packed = {facet: packed for facet, _, packed in rows}

    def count(self, facets: Sequence[str]) -> int:
        return _sum(self._counts, facets)

    def any_of(self, facets: Sequence[str], among: Bits | None = None) -> Bits:
        """The bits that have one of the facets; only those ``among`` some others, and in their form, where given."""
        few = self.count(facets) <= _FEW if among is None else isinstance(among, frozenset)
        rows = [self._packed[facet] for facet in facets if facet in self._packed]
        if not few:
            some = 0
            for packed in rows:
                some |= unpack(packed)
            return some if among is None else some & among
        if among is None:
            return frozenset(chain.from_iterable(map(_numbers_in, rows)))
        return frozenset(chain.from_iterable(_among(packed, among) for packed in rows))


class _Newest:
    """The bitmaps of a tail, asked in the same way."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail

    def count(self, facets: Sequence[str]) -> int:
        return int(self.any_of(facets)).bit_count()

    def any_of(self, facets: Sequence[str], among: Bits | None = None) -> Bits:
        some = 0
        for facet in facets:
            some |= self._tail.live if facet == _LIVE else self._tail.bits.get(facet, 0)
        return some if among is None else some & among


def _combine(bitmaps: _Chunk | _Newest, search: Search) -> int:
    """The bits of the living that the search is for. The rarest group is read first: often it settles the matter."""
    groups = sorted([(_LIVE,), *search.groups], key=bitmaps.count)
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
    return _bitmap(seen) if isinstance(seen, frozenset) else int(seen)


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def ones(bits: int) -> Iterator[int]:
    """The numbers of the set bits, lowest first; word by word where they are many, as long integers are slow."""
    if bits.bit_count() <= _LONELY:
        while bits:
            low = bits & -bits
            yield low.bit_length() - 1
            bits ^= low
        return
    raw = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    step = _WORD // 8
    for base in range(0, len(raw), step):
        word = int.from_bytes(raw[base : base + step], "little")
        while word:
            low = word & -word
            yield base * 8 + low.bit_length() - 1
            word ^= low


def pack(bits: int) -> bytes:
    """A bitmap as it is stored: the numbers of the set bits where they are few, else all of it."""
    return _numbers(bits) if bits.bit_count() <= _FEW else b"\0" + bits.to_bytes(_BYTES, "little")


def unpack(packed: bytes) -> int:
    """The inverse of ``pack``. Numbers take two bytes each, so that only a whole bitmap's length is odd."""
    if len(packed) & 1:
        return int.from_bytes(memoryview(packed)[1:], "little")
    return _bitmap(array("H", packed))


def _bitmap(numbers: Iterable[int]) -> int:
    raw = bytearray(_BYTES)
    for bit in numbers:
        raw[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(raw, "little")


def _numbers_in(packed: bytes) -> Iterable[int]:
    """The numbers of the set bits of a bitmap as it is stored."""
    return ones(unpack(packed)) if len(packed) & 1 else array("H", packed)


def _among(packed: bytes, numbers: frozenset[int]) -> Iterable[int]:
    """Those of some numbers whose bits are set in a bitmap as it is stored."""
    if len(packed) & 1:
        return [bit for bit in numbers if packed[1 + (bit >> 3)] >> (bit & 7) & 1]
    return numbers.intersection(array("H", packed))


def _numbers(bits: int, shift: int = 0) -> bytes:
    return array("H", [shift + bit for bit in ones(bits)]).tobytes()
