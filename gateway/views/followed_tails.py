"""The newest offsets of an offer view that another process keeps, read from its file only when a search needs them."""

import sqlite3
from collections.abc import Sequence
from typing import overload

from gateway.views.facet_index import Finds, Tail, noted, windows
from gateway.views.place import offset_at, place_of


class FollowedTails(Sequence[Tail]):
    """The tails of an index that another process keeps, read from its file when a search asks for them.

    ``begin`` is called at the start of each read transaction that finds the file changed; ``finds`` is as for
    ``FacetIndex.load``. What was read in one transaction stays for the next: then only newer offers are read, and which
    of them all live, as the keeper notes it.
    """

    def __init__(self, partitions: int, finds: Finds) -> None:
        self._finds = finds
        self._tails = [Tail(0, 0, {}, {}) for _ in range(partitions)]
        self._read = [0] * partitions
        self._began = 0
        self._due = True
        self._db: sqlite3.Connection | None = None

    def begin(self, db: sqlite3.Connection, began: int) -> None:
        """A read transaction has begun on a changed file; ``began`` is when the view was last emptied."""
        if began != self._began:
            self._tails = [Tail(0, 0, {}, {}) for _ in self._tails]
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
            for partition, (base, live) in enumerate(noted(self._db, len(self._tails))):
                self._tails[partition] = self._catch_up(self._db, partition, base, live)
            self._due = False
        return self._tails[key]

    def _catch_up(self, db: sqlite3.Connection, partition: int, base: int, live: int) -> Tail:
        tail = self._tails[partition]
        if tail.base != base:
            tail, self._read[partition] = Tail(base, 0, {}, {}), base
        for window in windows(self._finds(db, place_of(partition, self._read[partition]))):
            window.join(tail)
            self._read[partition] = offset_at(window.start) + window.live.bit_length()
        return tail._replace(live=live)
