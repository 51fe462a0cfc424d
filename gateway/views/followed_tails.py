"""The newest offsets of an offer view that another process keeps, read from its file only when a search needs them."""

import sqlite3
from collections.abc import Sequence
from typing import overload

from gateway.views.facet_index import Facets, Tail, noted
from gateway.views.place import offset_at, place_of


class FollowedTails(Sequence[Tail]):
    """The tails of an index that another process keeps, read from its file when a search asks for them.

    ``begin`` is called at the start of each read transaction; ``facets`` is as for ``FacetIndex.load``. What was read
    in one transaction stays for the next: only newer offers are read then.
    """

    def __init__(self, partitions: int, facets: Facets) -> None:
        self._facets = facets
        self._tails = [Tail(0, 0, {}) for _ in range(partitions)]
        self._read = [0] * partitions
        self._began = 0
        self._due = True
        self._db: sqlite3.Connection | None = None

    def begin(self, db: sqlite3.Connection, began: int) -> None:
        """A read transaction has begun; ``began`` is when the view was last emptied."""
        if began != self._began:
            self._tails = [Tail(0, 0, {}) for _ in self._tails]
            self._read = [0] * len(self._tails)
            self._began = began
        self._db, self._due = db, True

    def __len__(self) -> int:
        return len(self._tails)

    @overload
    def __getitem__(self, key: int) -> Tail: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Tail]: ...
    def __getitem__(self, key: int | slice) -> Tail | Sequence[Tail]:
        if self._due and self._db is not None:
            self._due = False
            for partition, (base, live) in enumerate(noted(self._db, len(self._tails))):
                self._tails[partition] = self._catch_up(self._db, partition, base, live)
        return self._tails[key]

    def _catch_up(self, db: sqlite3.Connection, partition: int, base: int, live: int) -> Tail:
        bits = self._tails[partition].bits
        if self._tails[partition].base != base:
            bits, self._read[partition] = {}, base
        for place, names in self._facets(db, place_of(partition, self._read[partition])):
            bit = 1 << offset_at(place) - base
            for name in names:
                bits[name] = bits.get(name, 0) | bit
            self._read[partition] = offset_at(place) + 1
        return Tail(base, live, bits)
