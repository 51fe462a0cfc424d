"""The offer view: the present state of every offer and marker, by id, by filter, and as a feed of changes."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import orjson

from gateway.checksum import checksum
from gateway.damage import Tables, require
from gateway.ports import Chunk
from gateway.protocol.cursor import Cursor
from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState, outline_offer
from gateway.protocol.routing import Filter, Reader, audiences, masked
from gateway.views import facet_index, twin_index
from gateway.views.facet import OUTSIDER, facets_of, search_for
from gateway.views.facet_index import Found
from gateway.views.feed import changes_after
from gateway.views.place import partition_at, place_of
from gateway.views.sight import HEAD, Sight
from gateway.views.twin import twin_of
from gateway.views.twin_index import keys_of
from gateway.views.view import View

Answer = TypeVar("Answer")

_COLUMNS = 12
_ROWS_AT_ONCE = 64  # rows in one statement, so that the interpreter's lock changes hands rarely
_INSERT = "INSERT INTO offers VALUES "
_ROW = f"({','.join('?' * _COLUMNS)})"
_REPLACED = "SELECT json_group_array(place) FROM json_each(?) AS j CROSS JOIN offers ON offers.id = j.value"
_DELETE = "DELETE FROM offers WHERE place IN (SELECT value FROM json_each(?))"
_TO_THE_END = f"""SELECT sum, head_sum, {", ".join(HEAD)}, CAST(value AS BLOB) FROM offers
    WHERE place >= ? AND place < ? ORDER BY place"""  # noqa: S608  # names of our own tables and columns


class OfferView(View):
    """A copy of ``offers``. A row's key is the place of its record, so that the table lies in the feed's order."""

    FORMAT = 4
    TABLES: ClassVar[Tables] = {"offers": ("place", "id", "value"), **facet_index.TABLES, **twin_index.TABLES}
    SCHEMA = f"""
        CREATE TABLE offers (
            place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, submitted INTEGER NOT NULL,
            audiences TEXT, passed TEXT, link INTEGER, site INTEGER, firm INTEGER, head_sum INTEGER, sum INTEGER,
            value BLOB NOT NULL
        );
        {facet_index.SCHEMA}
        {twin_index.SCHEMA}
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._index = facet_index.FacetIndex(partitions, settled=False)
        self._settled = False

    async def get(self, offer_id: str) -> OfferState | None:
        """What is known of an offer, marker or live; None when nothing is."""
        return await self._ask(lambda sight: sight.state(offer_id))

    async def page(
        self, *, reader: Reader, asked: Filter, after: str | None, limit: int, own: bool
    ) -> tuple[list[OfferState], str | None]:
        """Live offers that the reader may see and asks for, in the order of the log (the same on every replica), after
        a place; and the place to go on from, None at the end. ``own`` includes what the reader itself publishes.

        The offers are whole: mask them before they go out. An offer that changes while one pages may come again.
        """
        return await self._ask(lambda sight: sight.page(reader=reader, asked=asked, after=after, limit=limit, own=own))

    async def twins(self, offer_ids: Sequence[str], *, reader: Reader) -> Mapping[str, list[str]]:
        """The possible duplicates of offers, as far as the reader may see them. Only offers with any are named, none
        at all before ``settle``.
        """
        return await self._ask(lambda sight: sight.twins(offer_ids, reader=reader) if self._settled else {})

    async def changes(
        self, cursor: Cursor, *, reader: Reader, asked: Filter, limit: int
    ) -> tuple[list[dict[str, Any]], tuple[int, ...], bool]:
        """Up to ``limit`` changes after a cursor, the positions after them, and whether more is already here."""
        if all(position >= end for position, end in zip(cursor.positions, self.positions, strict=True)):
            return [], cursor.positions, False
        return await self._ask(lambda sight: changes_after(sight, cursor, reader=reader, asked=asked, limit=limit))

    async def live_before(self, platform: str, before: Sequence[int]) -> AsyncIterator[tuple[str, int]]:
        """Id and revision of the platform's live offers that were last accepted at a submissions offset below
        ``before`` of their partition.
        """
        for partition, mark in enumerate(before):
            start: int | None = 0
            while start is not None:
                question = partial(Sight.older, platform=platform, partition=partition, start=start, before=mark)
                offers, start = await self._ask(question)
                for offer_id, revision in offers:
                    yield offer_id, revision

    async def count(self, platform: str) -> int:
        """How many live offers the platform has."""
        search = search_for(Filter(platform=frozenset({platform})), reader=Reader(platform), own=True)
        return await self._ask(lambda sight: sight.count(search))

    async def count_for(self, reader: Reader, asked: Filter) -> int:
        """How many live offers the reader may see and asks for; within a bounding box, and perhaps some around it."""
        search = search_for(asked, reader=reader, own=False)
        return await self._ask(lambda sight: sight.count(search))

    async def _ask(self, question: Callable[[Sight], Answer]) -> Answer:
        return await self._in_reader(self._answer, question)

    def _answer(self, question: Callable[[Sight], Answer]) -> Answer:
        with self._moment(self._tails) as (db, positions, tails):
            return question(Sight(db, tails, positions))

    def _tails(self) -> Sequence[facet_index.Tail]:
        """The newest offsets of each partition."""
        return self._index.tails

    def _settle(self) -> None:
        if not self._settled:
            with self._transaction():
                self._index.build(self._db)
                self._set_number("settled", 1)
                self._db.execute("COMMIT")
            self._settled = self._index.settled = True

    def _loaded(self) -> None:
        self._settled = self._has_settled(self._db)
        self._index = facet_index.FacetIndex(self._partitions, settled=self._settled)
        self._index.load(self._db, self._finds_from)

    @staticmethod
    def _has_settled(db: sqlite3.Connection) -> bool:
        return db.execute("SELECT value FROM meta WHERE name = 'settled'").fetchone() is not None

    @staticmethod
    def _finds_from(db: sqlite3.Connection, place: int) -> Iterator[Found]:
        """The live offers from a place to the end of its partition."""
        end = place_of(partition_at(place) + 1, 0)
        for stored, head_sum, *head, value in db.execute(_TO_THE_END, (place, end)):
            require(head_sum, *head)
            here, offer_id, _, _, live_for, _, link, site, firm = head
            require(stored, here, offer_id, value)
            if live_for is None:
                continue
            outline, publisher = outline_offer(value), platform_of(offer_id)
            shown = _seen(outline.offer or {}, publisher)
            yield Found(here, facets_of(outline, shown, publisher=publisher), keys_of(link, site, firm))

    def _write(self, chunks: Iterable[Chunk]) -> None:
        self._index.withdraw()
        latest: dict[bytes, tuple[int, bytes | None]] = {}
        for chunk in chunks:
            for record in chunk.records:
                if record.offset >= self._applied[chunk.partition] and record.key is not None:
                    latest[record.key] = place_of(chunk.partition, record.offset), record.value
        if latest:
            self._remove([key.decode() for key in latest])
            self._insert(sorted((place, key, value) for key, (place, value) in latest.items() if value is not None))
            self._index.note(self._db)

    def _committed(self) -> None:
        self._index.publish()

    def _remove(self, offer_ids: Sequence[str]) -> None:
        places = self._db.execute(_REPLACED, (orjson.dumps(offer_ids).decode(),)).fetchone()[0]
        if places != "[]":
            self._index.discard(self._db, orjson.loads(places))
            self._db.execute(_DELETE, (places,))

    def _insert(self, records: Iterable[tuple[int, bytes, bytes]]) -> None:
        live: list[Found] = []
        rows = [_row(place, key.decode(), value, live) for place, key, value in records]
        self._index.add(self._db, live)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[first : first + _ROWS_AT_ONCE]
            self._db.execute(_INSERT + ",".join([_ROW] * len(some)), tuple(chain.from_iterable(some)))


def _row(place: int, offer_id: str, value: bytes, live: list[Found]) -> tuple[Any, ...]:
    """The row of a record; a live offer is added to ``live``."""
    outline = outline_offer(value)
    head: tuple[Any, ...] = place, offer_id, outline.revision, outline.position
    whole = checksum(place, offer_id, value)
    if outline.offer is None:
        head = *head, None, None, None, None, None
        return *head, checksum(*head), whole, value
    publisher = platform_of(offer_id)
    shown = _seen(outline.offer, publisher)
    twin = twin_of(shown)
    live.append(Found(place, facets_of(outline, shown, publisher=publisher), keys_of(*twin)))
    head = *head, " ".join(audiences(shown)), " ".join(outline.provenance), *twin
    return *head, checksum(*head), whole, value


def _seen(offer: Mapping[str, Any], publisher: str) -> Mapping[str, Any]:
    """The offer as an outsider sees it."""
    return masked(offer, reader=OUTSIDER, publisher=publisher)
