"""Offers found by facets and by words, counted, and put in an order: in public, of a platform, of all.

Words and order need the texts of every offer that is found. They are kept in memory, for the platforms whose offers
were asked for: some 300 bytes an offer, read by the first search.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from operator import itemgetter
from threading import Lock
from typing import Any, NamedTuple

from pyroaring import BitMap

from gateway.protocol.record import OfferState, read_offer
from gateway.protocol.submission import REASONS
from gateway.protocol.visibility import Filter
from gateway.store.offer_queries import OfferQueries
from gateway.store.search.search import Search, gone_search, offsets_of, public_search, whole_search
from gateway.store.search.search_index import SEGMENT_BITS, Segments
from schemas.closed_list import closed_list
from schemas.french import plain_words

ORDERS = closed_list("public_order")
STATES: Mapping[str, Collection[str]] = {"moderated": {"moderated"}, "gone": REASONS - {"moderated"}}
"""States of offers that are not live, with their reasons. Of such an offer only id and platform are known."""
_COUNTED = ("department", "region", "sector", "level", "week")


class _Text(NamedTuple):
    """The texts of an offer by which it is found and ordered; they are folded. ``age`` grows towards the past."""

    age: int
    log_offset: int
    title: str
    city: str
    words: str


_KEYS: Mapping[str, Callable[[_Text], Any] | None] = {
    "newest": None,
    "title": itemgetter(2, 1),
    "city": itemgetter(3, 1),
}
"""The order of texts; of equal ones the order on the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSearch:
    """A search. ``criteria`` names at least one platform; ``words``, as ``plain`` writes them, have all to be in title,
    employer, town, postal code or the id's own part; ``order`` is one of ``ORDERS``. ``hidden``: offers that are not
    public are found, too. ``state``: one of ``STATES``, of offers that are not live; empty for live ones.
    """

    criteria: Filter
    words: Sequence[str] = ()
    order: str = ORDERS[0]
    skipped: int = 0
    limit: int = 50
    hidden: bool = False
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOffers:
    """A page of the offers that were found, the number of all of them, and their numbers by facet and code."""

    states: Sequence[OfferState]
    total: int
    counts: Mapping[str, Mapping[str, int]]


class OfferTexts:
    """The texts of offers, in memory. Threads share them."""

    def __init__(self) -> None:
        self._texts: dict[int, dict[int, _Text]] = {}
        """By segment and offset, as ``_known``."""
        self._known: dict[int, BitMap] = {}
        self._lock = Lock()

    def read(self, queries: OfferQueries, search: OfferSearch, *, most: int) -> bool:
        """Read the texts of at most ``most`` offers of its platforms; whether those of all are known now."""
        with self._lock:
            return self._read(queries, _within(search, Filter(platform=search.criteria.platform)), most)

    def find(self, queries: OfferQueries, search: OfferSearch) -> FoundOffers | None:
        """The offers of a search; None where a text is not known yet."""
        segments = queries.search_index.segments
        offsets = offsets_of(segments, _within(search, search.criteria))
        rows: list[_Text] = []
        try:
            for number, some in offsets.items():
                rows += map(self._texts[number].__getitem__, some)
        except KeyError:
            return None
        if search.words:
            for word in search.words:
                rows = [row for row in rows if word in row.words]
            offsets = _by_segment(rows)
        first = nsmallest(search.skipped + search.limit, rows, key=_KEYS[search.order])
        page = [row.log_offset for row in first[search.skipped :]]
        states = dict(queries.states_at(sorted(page)))
        return FoundOffers(
            states=[states[log_offset] for log_offset in page],
            total=len(rows),
            counts=_counts(segments, offsets),
        )

    def _read(self, queries: OfferQueries, of_platforms: Search, most: int) -> bool:
        segments = queries.search_index.segments
        wanted = offsets_of(segments, of_platforms)
        for number in [*self._known]:
            gone = self._known[number]
            if number in segments:
                gone = gone - segments[number].live - segments[number].markers
            for offset in gone:
                del self._texts[number][offset]
            self._known[number] -= gone
        for number, offsets in wanted.items():
            known = self._known.setdefault(number, BitMap())
            missing = list(islice(offsets - known, most))
            rows = queries.rows_at([number << SEGMENT_BITS | offset for offset in missing])
            texts = [_text(log_offset, key, value) for log_offset, key, value in rows]
            self._texts.setdefault(number, {}).update(zip(missing, texts, strict=True))
            known.update(missing)
            most -= len(missing)
            if most <= 0:
                return False
        return True


def _within(search: OfferSearch, criteria: Filter) -> Search:
    if search.state:
        return gone_search(criteria, STATES[search.state])
    return whole_search(criteria) if search.hidden else public_search(criteria)


def _text(log_offset: int, key: bytes, value: bytes) -> _Text:
    state = read_offer(key, value)
    offer, own = state.offer, plain(state.id.partition(":")[2])
    if offer is None:
        return _Text(-state.known.appended_at, log_offset, own, "", own)
    location, title = offer["location"], plain(offer["title"])
    city = plain(location["city"])
    words = " ".join((title, plain(offer["employer"]["name"]), city, location["postal_code"], own))
    return _Text(-state.known.appended_at, log_offset, title, city, words)


def plain(text: str) -> str:
    """The words of a text as they are compared; signs that stand for others (№, ﬁ) are those."""
    return plain_words(unicodedata.normalize("NFKC", text))


def _by_segment(rows: Collection[_Text]) -> dict[int, BitMap]:
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row.log_offset >> SEGMENT_BITS, []).append(row.log_offset & (1 << SEGMENT_BITS) - 1)
    return {number: BitMap(offsets) for number, offsets in found.items()}


def _counts(segments: Segments, offsets: Mapping[int, BitMap]) -> Mapping[str, Mapping[str, int]]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in _COUNTED}
    for number, found in offsets.items():
        postings = segments[number].postings
        for facet in list(postings):  # the writing thread may add others meanwhile
            name, _, code = facet.partition(":")
            if name in counts and (some := found.intersection_cardinality(postings[facet])):
                counts[name][code] += some
    return counts
