"""The facet index: for every facet, which places hold a live offer with it, as bitmaps over stretches of offsets.

A chunk is 65,536 offsets of one partition. Its bitmaps lie in the table ``facets``, one row per facet, for
``facet_search``. The newest offsets of each partition, 8,192 at most, are kept in memory with their twin keys and
written out together: a bitmap rewritten for every record would cost more than the record. A restart finds them again
from the offers themselves.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from gateway.checksum import checksum
from gateway.damage import require
from gateway.views import twin_index
from gateway.views.bitmap import CHUNK, WORD, numbers, pack, unpack
from gateway.views.facet import CELL
from gateway.views.place import offset_at, partition_at, place_of
from gateway.views.twin_index import Places, places_in

SCHEMA = """
CREATE TABLE facets (
    facet TEXT, chunk INTEGER, count INTEGER NOT NULL, inverse INTEGER, sum INTEGER, bits BLOB NOT NULL,
    PRIMARY KEY (facet, chunk)
);  -- with row ids: their index is narrow, bitmaps are not, and a search walks over many
CREATE TABLE tails (partition INTEGER PRIMARY KEY, base INTEGER NOT NULL, live BLOB NOT NULL, sum INTEGER);
"""
TABLES = {
    "facets": ("facet", "chunk", "count", "bits"),
    "tails": ("partition", "base", "live"),
}
STEP = 8_192
_REPLACE = """INSERT INTO facets VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = excluded.count, inverse = excluded.inverse, sum = excluded.sum,
    bits = excluded.bits"""
_BITS = "SELECT bits, sum, count FROM facets WHERE facet = ? AND chunk = ?"
LIVE = "live"
"""The facet of all live offers."""


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
            packed = read_bits(db, LIVE, chunk)
            live = 0 if packed is None else unpack(packed) & ~bits
            if live:
                db.execute(_REPLACE, _stored(LIVE, chunk, live))
            else:
                db.execute("DELETE FROM facets WHERE chunk = ?", (chunk,))

    def note(self, db: sqlite3.Connection) -> None:
        """Write down where the tails begin and which of their offers live, for other processes that follow."""
        moved = [
            _tail_row(partition, tail.base, tail.live.to_bytes(STEP // 8, "little"))
            for partition, (tail, before) in enumerate(zip(self._tails, self.tails, strict=True))
            if tail is not before
        ]
        db.executemany("INSERT OR REPLACE INTO tails VALUES (?, ?, ?, ?)", moved)

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
        stored = []
        for facet, bits in [(LIVE, tail.live), *tail.bits.items()]:
            before = read_bits(db, facet, chunk) or b""
            if facet.startswith(CELL):  # numbers are appended: a step holds offsets that no earlier one did
                stored.append(_row(facet, chunk, len(before) // 2 + bits.bit_count(), before + numbers(bits, shift)))
            else:
                stored.append(_stored(facet, chunk, bits << shift | (unpack(before) if before else 0)))
        db.executemany(_REPLACE, stored)
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
    for window, some in groupby(offers, key=lambda offer: offer[0] // WORD):
        start, live = window * WORD, 0
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
    tails: dict[int, tuple[int, bytes]] = {}
    for partition, base, live, stored in db.execute("SELECT partition, base, live, sum FROM tails"):
        require(stored, partition, base, live)
        tails[partition] = base, live
    found = (tails.get(partition, (0, b"")) for partition in range(partitions))
    return [(base, int.from_bytes(live, "little")) for base, live in found]


def read_bits(db: sqlite3.Connection, facet: str, chunk: int) -> bytes | None:
    """The packed bits of one facet in one chunk. Raises ChecksumError."""
    row = db.execute(_BITS, (facet, chunk)).fetchone()
    if row is None:
        return None
    bits, stored, count = row
    require(stored, facet, chunk, count, bits)
    return bytes(bits)


def _stored(facet: str, chunk: int, bits: int) -> tuple[object, ...]:
    return _row(facet, chunk, bits.bit_count(), pack(bits))


def _row(facet: str, chunk: int, count: int, packed: bytes) -> tuple[object, ...]:
    return facet, chunk, count, ~count, checksum(facet, chunk, count, packed), packed


def _tail_row(partition: int, base: int, live: bytes) -> tuple[object, ...]:
    return partition, base, live, checksum(partition, base, live)
