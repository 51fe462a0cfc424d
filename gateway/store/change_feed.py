"""The changes feed in a read transaction: the next changes for one reader, in bounded work (FEED-*)."""

from itertools import islice
from typing import Any

from gateway.protocol.cursor import Cursor
from gateway.protocol.visibility import Filter, Reader, change_for
from gateway.store.log_offset import offset_at
from gateway.store.offer_queries import SPARE, OfferQueries
from gateway.store.search.search import search_for

Change = dict[str, Any]


def changes_after(
    queries: OfferQueries, cursor: Cursor, *, reader: Reader, criteria: Filter, limit: int
) -> tuple[list[Change], tuple[int, ...], bool]:
    """Return up to ``limit`` changes, the positions after them, and whether the view holds more.

    A page may hold few changes or none and still move the positions. The partition with the fewest unread offsets is
    read first, and each may fill an equal part of the rest of the page, so that none waits behind another.
    """
    positions = list(cursor.positions)
    changes: list[Change] = []
    behind = [p for p, end in enumerate(queries.positions) if positions[p] < end]
    behind.sort(key=lambda p: queries.positions[p] - positions[p])
    for index, partition in enumerate(behind):
        share = (limit - len(changes)) // (len(behind) - index)
        if share:
            reading = _PartitionPage(queries, cursor, reader, criteria, partition)
            found, positions[partition] = reading.next(share)
            changes += found
    more = any(position < end for position, end in zip(positions, queries.positions, strict=True))
    return changes, tuple(positions), more


class _PartitionPage:
    """One partition's part of a page."""

    def __init__(self, queries: OfferQueries, cursor: Cursor, reader: Reader, criteria: Filter, partition: int) -> None:
        self._queries = queries
        self._reader = reader
        self._criteria = criteria
        self._partition = partition
        self._start = cursor.positions[partition]
        self._end = queries.positions[partition]
        self._began = min(cursor.began[partition], self._end)

    def next(self, limit: int) -> tuple[list[Change], int]:
        """Up to ``limit`` changes and the position after them."""
        changes: list[Change] = []
        position = self._start
        if position < self._began:
            position = self._replay(changes, limit)
        if self._began <= position < self._end and len(changes) < limit:
            position = self._follow(changes, position, limit)
        return changes, position

    def _replay(self, changes: list[Change], limit: int) -> int:
        """Below ``began`` the reader is owed only the offers that match: the search index finds them."""
        search = search_for(self._criteria, reader=self._reader, own=False)
        log_offsets = self._queries.log_offsets(search, partition=self._partition, start=self._start, stop=self._began)
        examined = 0
        while slice_ := list(islice(log_offsets, limit - len(changes))):
            for _, state in self._queries.states_at(slice_):
                change = change_for(self._reader, self._criteria, state, above_start=False)
                if change is not None:
                    changes.append(change)
            examined += len(slice_)
            if len(changes) == limit or examined >= limit + SPARE:
                return offset_at(slice_[-1]) + 1
        return self._began

    def _follow(self, changes: list[Change], start: int, limit: int) -> int:
        """From ``began`` on every record may be a removal: records are read one by one."""
        examined = 0
        while rows := self._queries.states_from(self._partition, start, self._end, limit - len(changes)):
            for _, state in rows:
                change = change_for(self._reader, self._criteria, state, above_start=True)
                if change is not None:
                    changes.append(change)
            start = offset_at(rows[-1][0]) + 1
            examined += len(rows)
            if len(changes) == limit or examined >= limit + SPARE:
                return start
        return self._end
