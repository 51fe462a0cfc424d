"""The copy of one reader's feed that the gateway compares with the reader's own (DIG-*): a line for each offer that a
search of the view finds.
"""

from itertools import islice

from pyroaring import BitMap

from gateway.protocol.copy_tree import CopyTree
from gateway.protocol.visibility import Filter, Reader
from gateway.store.offer_queries import OfferQueries, shows
from gateway.store.search.search import offsets_of, search_for
from gateway.store.search.search_index import SEGMENT_BITS

_LINES_AT_ONCE, _LEAVES_AT_ONCE = 1_000, 2_000
_NONE = BitMap()


class ReaderCopy:
    """Only one thread at a time may use it. What the log has at an offset never changes: lines are added for offsets
    that a search finds newly, and dropped with those that it no longer finds.
    """

    def __init__(self, reader: Reader, criteria: Filter) -> None:
        self._reader = reader
        self._criteria = criteria
        self._search = search_for(criteria, reader=reader, own=False)
        self._held: dict[int, BitMap] = {}
        """By segment the offsets that were found: those outside a bounding box have no line."""
        self.tree = CopyTree()

    def follow(self, queries: OfferQueries) -> bool:
        """Follow the view, in bounded work; whether copy and view are equal in this read transaction."""
        found, left = offsets_of(queries.search_index.segments, self._search), _LINES_AT_ONCE
        for number in sorted({*self._held, *found}):
            held, wanted, first = self._held.get(number, _NONE), found.get(number, _NONE), number << SEGMENT_BITS
            gone = list(islice(held - wanted, left))
            new = list(islice(wanted - held, left - len(gone)))
            left -= len(gone) + len(new)
            self._held[number] = held - BitMap(gone) | BitMap(new)
            for offset in gone:
                self.tree.drop(first + offset)
            inside = self._inside(queries, [first + offset for offset in new])
            self.tree.put(queries.lines_at(inside))
        return left > 0 and not self.tree.settle(_LEAVES_AT_ONCE)

    def _inside(self, queries: OfferQueries, log_offsets: list[int]) -> list[int]:
        """Without those that the search has found near a bounding box, outside it."""
        if self._criteria.bbox is None:
            return log_offsets
        states = queries.states_at(log_offsets)
        return [at for at, one in states if shows(one, reader=self._reader, criteria=self._criteria, own=False)]
