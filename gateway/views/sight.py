"""A sight: the offer view as one reader finds it at one moment, and the questions that it answers."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from gateway.checksum import joined
from gateway.damage import ChecksumError, require_missing
from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState, read_offer
from gateway.protocol.routing import Filter, Reader, masked, may_read
from gateway.views import twin_index
from gateway.views.facet import Search, search_for
from gateway.views.facet_index import Tail
from gateway.views.facet_search import find, tally
from gateway.views.place import offset_at, partition_at, place_of
from gateway.views.twin_index import keys_for, places_in

SPARE = 500
"""How many offers beyond a page may be looked at in vain: those near a bounding box but outside it."""
_END = (1 << 48) - 1
_TWINS_LOOKED_AT = 20
_TWINS_SHOWN = 10
_IDS_AT_ONCE = 1_000

HEAD = ("place", "id", "revision", "submitted", "audiences", "passed", "link", "site", "firm")
"""The columns of an offer's row that ``head_sum`` is the checksum of; ``sum`` is that of place, id and value."""
_FIELDS = joined(HEAD)

# Each answer is fetched as one row: with a row per offer the interpreter's lock would change hands as often, and a
# busy event loop is slow to give it back. No id holds a space, and the JSON on the log no line feed.
_JOINED = (
    f"SELECT CAST(group_concat(sum || char(31) || {joined(('place', 'id', 'value'))}, char(10)) AS BLOB) FROM ({{}})"  # noqa: S608  # names of our own tables and columns
)
_ROW = "SELECT sum, place, id, value FROM offers"
_AT_PLACES = _JOINED.format(f"{_ROW} WHERE place IN (SELECT value FROM json_each(?)) ORDER BY place")  # noqa: S608  # names of our own tables and columns
_IN_ORDER = _JOINED.format(f"{_ROW} WHERE place >= ? AND place < ? ORDER BY place LIMIT ?")
_BY_ID = _JOINED.format(f"{_ROW} WHERE id = ?")
_HEADS = "SELECT json_group_array(json_array(head_sum, {})) FROM offers WHERE {} IN (SELECT value FROM json_each(?))"
_HEADS_AT = _HEADS.format(_FIELDS, "place")
_HEADS_OF = _HEADS.format(_FIELDS, "id")


class Sight(NamedTuple):
    """One read transaction, with the tails and the positions that belong to it."""

    db: sqlite3.Connection
    tails: Sequence[Tail]
    positions: tuple[int, ...]

    def state(self, offer_id: str) -> OfferState | None:
        """What is known of one offer."""
        found = _split(self.db.execute(_BY_ID, (offer_id,)).fetchone()[0])
        if not found:
            require_missing(self.db, "offers", "id", offer_id)
            return None
        ((_, state),) = found
        if state.id != offer_id:
            raise ChecksumError(f"the index of offers leads from {offer_id!r} to another one")
        return state

    def states_at(self, places: Iterable[int]) -> list[tuple[int, OfferState]]:
        """The offers and markers at these places, in order; a place that holds nothing any more is passed over."""
        return _split(self.db.execute(_AT_PLACES, (orjson.dumps(list(places)).decode(),)).fetchone()[0])

    def states_from(self, partition: int, start: int, stop: int, limit: int) -> list[tuple[int, OfferState]]:
        """The first offers and markers of a partition between two offsets."""
        bounds = place_of(partition, start), place_of(partition, stop)
        return _split(self.db.execute(_IN_ORDER, (*bounds, limit)).fetchone()[0])

    def places(self, search: Search, *, partition: int, start: int = 0, stop: int = _END) -> Iterator[int]:
        """Where the offers lie that a search finds, in order."""
        return find(self.db, self.tails[partition], search, partition=partition, start=start, stop=stop)

    def count(self, search: Search) -> int:
        """How many offers a search finds."""
        return tally(self.db, self.tails, search)

    def page(
        self, *, reader: Reader, asked: Filter, after: str | None, limit: int, own: bool
    ) -> tuple[list[OfferState], str | None]:
        """Live offers in the order of the log, after a place; and the place to go on from, None at the end."""
        search = search_for(asked, reader=reader, own=own)
        found: list[OfferState] = []
        looked = 0
        last = int(after) if after is not None else -1
        for partition in range(max(0, partition_at(last)), len(self.tails)):
            start = offset_at(last) + 1 if last >= 0 and partition_at(last) == partition else 0
            places = self.places(search, partition=partition, start=start)
            while slice_ := list(islice(places, limit - len(found) + 1)):
                for place, state in self.states_at(slice_):
                    if len(found) == limit or looked == limit + SPARE:
                        return found, str(last)
                    last, looked = place, looked + 1
                    if shows(state, reader=reader, asked=asked, own=own):
                        found.append(state)
        return found, None

    def older(self, platform: str, partition: int, start: int, before: int) -> tuple[list[tuple[str, int]], int | None]:
        """Some live offers of a platform (id, revision) last accepted at a submissions offset below ``before``; and the
        offset to go on from, None at the end of the partition.
        """
        search = search_for(Filter(platform=frozenset({platform})), reader=Reader(platform), own=True)
        places = list(islice(self.places(search, partition=partition, start=start), _IDS_AT_ONCE))
        if not places:
            return [], None
        heads = self._heads(_HEADS_AT, places)
        return [(one.id, one.revision) for one in heads if one.submitted < before], offset_at(places[-1]) + 1

    def twins(self, offer_ids: Sequence[str], *, reader: Reader) -> Mapping[str, list[str]]:
        """For each offer that has any: the ids that may be the same offer, as far as the reader may see them."""
        places = self._twin_places(offer_ids)
        shown = {
            one.place: one.id
            for one in self._heads(_HEADS_AT, sorted(set().union(*places.values())))
            if platform_of(one.id) == reader.platform
            or (reader.audience in one.audiences.split() and reader.platform not in one.passed.split())
        }
        twins = {
            offer_id: sorted(shown[place] for place in found if place in shown) for offer_id, found in places.items()
        }
        return {offer_id: ids[:_TWINS_SHOWN] for offer_id, ids in twins.items() if ids}

    def _twin_places(self, offer_ids: Sequence[str]) -> Mapping[str, set[int]]:
        """Where the offers lie that may be the same as each of these."""
        heads = self._heads(_HEADS_OF, offer_ids)
        asked = [(one.id, one.place, keys_for(one.link, one.site, one.firm)) for one in heads]
        keys = {key for _, _, some in asked for key in some}
        found = twin_index.find(self.db, keys, _TWINS_LOOKED_AT)
        for tail in self.tails:
            for key in keys:
                newest = tail.twins.get(key)
                if newest is not None:
                    living = (place for place in places_in(newest) if tail.lives(place))
                    found.setdefault(key, []).extend(islice(living, _TWINS_LOOKED_AT))
        places: dict[str, set[int]] = {}
        for offer_id, place, some in asked:
            alike = {twin for key in some if key in found for twin in sorted(found[key])[:_TWINS_LOOKED_AT]}
            if alike != {place}:
                places[offer_id] = alike - {place}
        return places

    def _heads(self, statement: str, values: Sequence[Any]) -> list["_Head"]:
        """What stands beside the offers of a statement that takes a list. Raises ChecksumError."""
        (rows,) = self.db.execute(statement, (orjson.dumps(values).decode(),)).fetchone()
        return [_Head.read(*row) for row in orjson.loads(rows)]


class _Head(NamedTuple):
    """The columns of an offer's row apart from the offer itself. The twin keys of a marker are None."""

    place: int
    id: str
    revision: int
    submitted: int
    audiences: str
    passed: str
    link: int | None
    site: int | None
    firm: int | None

    @classmethod
    def read(cls, stored: int, fields: str) -> "_Head":
        """From the columns as one text."""
        if crc32(fields.encode()) != stored:
            raise ChecksumError(f"the checksum of a row does not match ({fields[:60]!r})")
        place, offer_id, revision, submitted, audiences, passed, *keys = fields.split("\x1f")
        link, site, firm = (None if key == "None" else int(key) for key in keys)
        return cls(int(place), offer_id, int(revision), int(submitted), audiences, passed, link, site, firm)


def shows(state: OfferState, *, reader: Reader, asked: Filter, own: bool) -> bool:
    """Whether a reader who asks so is shown this offer. The index finds candidates; this decides."""
    publisher = platform_of(state.id)
    if state.offer is None or state.territory is None:
        return False
    mine = own and publisher == reader.platform
    if not mine and not may_read(reader, offer=state.offer, provenance=state.known.provenance):
        return False
    shown = masked(state.offer, reader=reader, publisher=publisher)
    return asked.matches(offer=shown, territory=state.territory, platform=publisher)


def _split(lines: bytes | None) -> list[tuple[int, OfferState]]:
    """The offers of rows that were fetched as one. Raises ChecksumError."""
    found = []
    for line in () if lines is None else lines.split(b"\n"):
        stored, _, row = line.partition(b"\x1f")
        if b"%d" % crc32(row) != stored:
            raise ChecksumError(f"the checksum of a row does not match ({row[:60]!r})")
        place, offer_id, value = row.split(b"\x1f", 2)
        found.append((int(place), read_offer(offer_id, value)))
    return found
