"""The offer view: the present state of every offer and marker, by id, by filter, and as a feed of changes."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from gateway.log.port import Chunk
from gateway.protocol.cursor import Cursor
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import VISIBILITY_RULES, Filter, Reader
from gateway.runtime.sqlite_damage import Tables
from gateway.store import offer_rows
from gateway.store.change_feed import changes_after
from gateway.store.log_offset import log_offset_of
from gateway.store.offer_queries import OfferQueries
from gateway.store.offer_search import FoundOffers, OfferSearch, OfferTexts
from gateway.store.possible_duplicates import possible_duplicates
from gateway.store.public_counts import PublicCounts, open_departments, public_counts
from gateway.store.reader_copy import ReaderCopy
from gateway.store.search import duplicate_index, index_store
from gateway.store.search.index_store import EMPTY, Index, IndexWriter, RecentOffsets
from gateway.store.search.search import search_for
from gateway.store.updated_copy import put_number
from gateway.store.view import View

Answer = TypeVar("Answer")
_TEXTS_AT_ONCE = 500
Step = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
"""Runs a part of a long search."""


def _at_once(part: Coroutine[Any, Any, Answer]) -> Coroutine[Any, Any, Answer]:
    return part


class OfferView(View):
    """A copy of ``offers``, with the search index and the index of duplicate keys."""

    FORMAT = 11 + VISIBILITY_RULES
    """The index holds what an outsider may find: other rules, another index."""
    TABLES: ClassVar[Tables] = {**offer_rows.TABLES, **index_store.TABLES, **duplicate_index.TABLES}
    SCHEMA = f"""
        {offer_rows.SCHEMA}
        {index_store.SCHEMA}
        {duplicate_index.SCHEMA}
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int, follow: bool) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions, follow=follow)
        self._index: IndexWriter | None = None
        """Of the updating process."""
        self._recent: RecentOffsets | None = None
        """Of a follower; None until the first query."""
        self._recent_began = 0
        self._settled = False
        self._texts = OfferTexts()

    async def get(self, offer_id: str) -> OfferState | None:
        """The state of an offer, marker or live; None when none is stored."""
        return await self._ask(lambda queries: queries.state(offer_id))

    async def page(
        self, *, reader: Reader, criteria: Filter, after: str | None, limit: int, own: bool
    ) -> tuple[list[OfferState], str | None]:
        """Live offers that the reader may see and its filter matches, in log order (the same on every replica), after
        a log offset; and the log offset to continue from, None at the end. ``own`` includes the reader's own offers.

        The offers are not masked: the caller does that before sending. An offer that changes during paging may appear
        again.
        """
        return await self._ask(
            lambda queries: queries.page(reader=reader, criteria=criteria, after=after, limit=limit, own=own)
        )

    async def possible_duplicates(self, offer_ids: Sequence[str], *, reader: Reader) -> Mapping[str, list[str]]:
        """By offer, the ids of its possible duplicates that the reader may see. Offers without any are left out, and
        all offers before ``settle``.
        """
        return await self._ask(
            lambda queries: possible_duplicates(queries, offer_ids, reader=reader) if self._settled else {}
        )

    async def changes(
        self, cursor: Cursor, *, reader: Reader, criteria: Filter, limit: int
    ) -> tuple[list[dict[str, Any]], tuple[int, ...], bool]:
        """Return up to ``limit`` changes after a cursor, the positions after them, and whether the view holds more."""
        if all(position >= end for position, end in zip(cursor.positions, self.positions, strict=True)):
            return [], cursor.positions, False
        return await self._ask(
            lambda queries: changes_after(queries, cursor, reader=reader, criteria=criteria, limit=limit)
        )

    async def changes_beside(
        self, copy: ReaderCopy, cursor: Cursor, *, reader: Reader, criteria: Filter, limit: int
    ) -> tuple[list[dict[str, Any]], tuple[int, ...], bool, tuple[int, ...]] | None:
        """As ``changes``, with the positions of the view, in the read transaction in which the copy has become equal to
        it; None before.
        """

        def answer(queries: OfferQueries) -> tuple[list[dict[str, Any]], tuple[int, ...], bool, tuple[int, ...]] | None:
            if not copy.follow(queries):
                return None
            return *changes_after(queries, cursor, reader=reader, criteria=criteria, limit=limit), queries.positions

        return await self._ask(answer)

    async def live_before(self, platform: str, before: Sequence[int]) -> AsyncIterator[tuple[str, int]]:
        """Id and revision of the platform's live offers that were last accepted at a submissions offset below
        ``before`` of their partition.
        """
        for partition, mark in enumerate(before):
            start: int | None = 0
            while start is not None:
                question = partial(OfferQueries.older, platform=platform, partition=partition, start=start, before=mark)
                offers, start = await self._ask(question)
                for offer_id, revision in offers:
                    yield offer_id, revision

    async def count(self, platform: str) -> int:
        """The number of live offers of the platform."""
        search = search_for(Filter(platform=frozenset({platform})), reader=Reader(platform), own=True)
        return await self._ask(lambda queries: queries.count(search))

    async def count_for(self, reader: Reader, criteria: Filter) -> int:
        """The number of live offers that the reader may see and its filter matches. A bounding box may count some more
        around it.
        """
        search = search_for(criteria, reader=reader, own=False)
        return await self._ask(lambda queries: queries.count(search))

    async def warned(self, platform: str, codes: Sequence[Sequence[str]], *, most: int) -> list[tuple[int, list[str]]]:
        """For each group of codes, the number of the platform's live offers with one of these warnings, and the ids of
        the first ``most``.
        """
        return await self._ask(lambda queries: [queries.warned(platform, group, most) for group in codes])

    async def public_counts(self) -> PublicCounts:
        """The numbers of live offers that everybody may see."""
        return await self._ask(lambda queries: public_counts(queries.search_index.segments))

    async def open_departments(self, platforms: Collection[str]) -> Mapping[str, int]:
        """By department the numbers of public offers of the platforms that agree; empty without any."""
        if not platforms:
            return {}
        return await self._ask(lambda queries: open_departments(queries.search_index.segments, platforms))

    async def search(self, search: OfferSearch, step: Step = _at_once) -> FoundOffers:
        """The offers of a search. Texts that are not known yet are read before, some in each ``step``."""
        while True:
            while not await step(self._ask(lambda queries: self._texts.read(queries, search, most=_TEXTS_AT_ONCE))):
                pass
            found: FoundOffers | None = await step(self._ask(lambda queries: self._texts.find(queries, search)))
            if found is not None:
                return found

    async def _ask(self, question: Callable[[OfferQueries], Answer]) -> Answer:
        def answer(db: sqlite3.Connection) -> Answer:
            with self.copy.transaction(db, self._held) as (positions, index):
                return question(OfferQueries(db, index, positions))

        return await self.copy.read(answer)

    def _held(self) -> Index:
        """The index as of the last commit."""
        held = self._recent if self._index is None else self._index
        return EMPTY if held is None else held.index

    async def settle(self) -> None:
        """Build the index of duplicate keys, after the view has been filled. Idempotent."""
        if not self._settled and self._index is not None:
            await self.updated.write(_settle)
            self._settled = self._index.settled = True

    def opened(self, db: sqlite3.Connection) -> None:
        """Load the search index."""
        self._settled = _has_settled(db)
        self._index = IndexWriter(db, settled=self._settled)

    def changed(self, db: sqlite3.Connection, began: int) -> None:
        """Load the search index, or the parts of it that have changed; that of another file at the first query."""
        self._settled = _has_settled(db)
        if began < 0:
            self._recent = None
        elif self._recent is None or began != self._recent_began or not self._recent.catch_up(db):
            self._recent, self._recent_began = RecentOffsets.load(db), began

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Replace the offers of these records, and their entries in the indexes."""
        assert self._index is not None  # noqa: S101  # the file is open
        self._index.withdraw()
        latest: dict[bytes, tuple[int, bytes | None]] = {}
        for chunk in chunks:
            for record in chunk.records:
                if record.offset >= applied[chunk.partition] and record.key is not None:
                    latest[record.key] = log_offset_of(chunk.partition, record.offset), record.value
        if latest:
            self._index.write(db, offer_rows.replace_offers(db, latest))

    def committed(self) -> None:
        """Publish the index to queries."""
        if self._index is not None:
            self._index.commit()


def _settle(db: sqlite3.Connection) -> None:
    duplicate_index.build(db)
    put_number(db, "settled", 1)


def _has_settled(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT value FROM meta WHERE name = 'settled'").fetchone() is not None
