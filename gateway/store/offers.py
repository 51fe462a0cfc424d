"""The offer view: the present state of every offer and marker, by id, by filter, and as a feed of changes."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from gateway.log.port import Chunk
from gateway.protocol.cursor import Cursor
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import Filter, Reader
from gateway.runtime.sqlite_damage import Tables
from gateway.store import offer_rows
from gateway.store.change_feed import changes_after
from gateway.store.log_offset import log_offset_of
from gateway.store.offer_queries import OfferQueries
from gateway.store.search import index_store, possible_duplicate_index
from gateway.store.search.facet import search_for
from gateway.store.search.index_store import EMPTY, Index, IndexWriter
from gateway.store.view import View

Answer = TypeVar("Answer")


class OfferView(View):
    """A copy of ``offers``, with the search index and the index of duplicate keys."""

    FORMAT = 5
    TABLES: ClassVar[Tables] = {**offer_rows.TABLES, **index_store.TABLES, **possible_duplicate_index.TABLES}
    SCHEMA = f"""
        {offer_rows.SCHEMA}
        {index_store.SCHEMA}
        {possible_duplicate_index.SCHEMA}
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._index: IndexWriter | None = None
        self._settled = False

    async def get(self, offer_id: str) -> OfferState | None:
        """The state of an offer, marker or live; None when none is stored."""
        return await self._ask(lambda queries: queries.state(offer_id))

    async def page(
        self, *, reader: Reader, asked: Filter, after: str | None, limit: int, own: bool
    ) -> tuple[list[OfferState], str | None]:
        """Live offers that the reader may see and its filter matches, in log order (the same on every replica), after
        a log offset; and the log offset to continue from, None at the end. ``own`` includes the reader's own offers.

        The offers are not masked: the caller does that before sending. An offer that changes during paging may appear
        again.
        """
        return await self._ask(
            lambda queries: queries.page(reader=reader, asked=asked, after=after, limit=limit, own=own)
        )

    async def possible_duplicates(self, offer_ids: Sequence[str], *, reader: Reader) -> Mapping[str, list[str]]:
        """By offer, the ids of its possible duplicates that the reader may see. Offers without any are left out, and
        all offers before ``settle``.
        """
        return await self._ask(
            lambda queries: queries.possible_duplicates(offer_ids, reader=reader) if self._settled else {}
        )

    async def changes(
        self, cursor: Cursor, *, reader: Reader, asked: Filter, limit: int
    ) -> tuple[list[dict[str, Any]], tuple[int, ...], bool]:
        """Return up to ``limit`` changes after a cursor, the positions after them, and whether the view holds more."""
        if all(position >= end for position, end in zip(cursor.positions, self.positions, strict=True)):
            return [], cursor.positions, False
        return await self._ask(lambda queries: changes_after(queries, cursor, reader=reader, asked=asked, limit=limit))

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

    async def count_for(self, reader: Reader, asked: Filter) -> int:
        """The number of live offers that the reader may see and its filter matches. A bounding box may count some more
        around it.
        """
        search = search_for(asked, reader=reader, own=False)
        return await self._ask(lambda queries: queries.count(search))

    async def _ask(self, question: Callable[[OfferQueries], Answer]) -> Answer:
        return await self._in_reader(self._answer, question)

    def _answer(self, question: Callable[[OfferQueries], Answer]) -> Answer:
        with self._read_transaction(self._held) as (db, positions, index):
            return question(OfferQueries(db, index, positions))

    def _held(self) -> Index:
        """The index as of the last commit."""
        return EMPTY if self._index is None else self._index.index

    def _settle(self) -> None:
        if not self._settled and self._index is not None:
            with self._transaction():
                possible_duplicate_index.build(self._db)
                self._set_number("settled", 1)
                self._db.execute("COMMIT")
            self._settled = self._index.settled = True

    def _loaded(self) -> None:
        self._settled = self._has_settled(self._db)
        self._index = IndexWriter(self._db, settled=self._settled)

    @staticmethod
    def _has_settled(db: sqlite3.Connection) -> bool:
        return db.execute("SELECT value FROM meta WHERE name = 'settled'").fetchone() is not None

    def _write(self, chunks: Iterable[Chunk]) -> None:
        assert self._index is not None  # noqa: S101  # the file is open
        self._index.withdraw()
        latest: dict[bytes, tuple[int, bytes | None]] = {}
        for chunk in chunks:
            for record in chunk.records:
                if record.offset >= self._applied[chunk.partition] and record.key is not None:
                    latest[record.key] = log_offset_of(chunk.partition, record.offset), record.value
        if latest:
            self._index.write(self._db, offer_rows.replace_offers(self._db, latest))

    def _committed(self) -> None:
        if self._index is not None:
            self._index.commit()
