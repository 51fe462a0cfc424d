"""A copy of offers in SQL: rows and cursor in one transaction, in SQLite or PostgreSQL.

Table ``passerelle_offers`` has a row for each offer: ``offer`` is its JSON, null once it is removed; ``change`` is all
that the gateway said (territory, provenance, flags). A removed offer keeps its sequence for 402 days, so that an older
change that arrives late does not bring it back. ``generation`` is the reading from the start that named the offer last:
a new one is written over the old copy, row by row, and at its end what it did not name is removed; so the copy is never
empty.
"""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from passerelle_client import clock
from passerelle_client.page import Change, Page

if TYPE_CHECKING:
    import psycopg

_KEPT = 402 * 86_400_000
_TABLES = (
    """CREATE TABLE IF NOT EXISTS passerelle_offers (
        id TEXT PRIMARY KEY, sequence BIGINT NOT NULL, generation BIGINT NOT NULL, changed_at BIGINT NOT NULL,
        offer {json}, change {json} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS passerelle_removed ON passerelle_offers (changed_at) WHERE offer IS NULL",
    """CREATE TABLE IF NOT EXISTS passerelle_feed (
        one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL, filters TEXT NOT NULL,
        generation BIGINT NOT NULL, complete BIGINT NOT NULL)""",
    "INSERT INTO passerelle_feed VALUES (1, '', '', 1, 0) ON CONFLICT DO NOTHING",
)
_POSITION = "SELECT cursor, filters, generation, complete FROM passerelle_feed"
_MOVE = "UPDATE passerelle_feed SET cursor = ?, filters = ?, generation = ?, complete = ?"
_APPLY = """INSERT INTO passerelle_offers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    sequence = excluded.sequence, generation = excluded.generation, changed_at = excluded.changed_at,
    offer = excluded.offer, change = excluded.change
    WHERE excluded.sequence > passerelle_offers.sequence OR excluded.generation > passerelle_offers.generation"""
_LIVE = "SELECT id, sequence, offer FROM passerelle_offers WHERE offer IS NOT NULL"
_UNNAMED = "SELECT id, sequence FROM passerelle_offers WHERE generation < ? AND offer IS NOT NULL"
_SWEEP = """UPDATE passerelle_offers SET offer = NULL, change = '{"op": "removal"}', changed_at = ?
    WHERE generation < ? AND offer IS NOT NULL"""
_FORGET = "DELETE FROM passerelle_offers WHERE offer IS NULL AND changed_at < ?"


@dataclass(frozen=True, slots=True)
class Position:
    """Position of a copy in the feed: the next cursor (empty: the start), its filters, the generation in progress, and
    the last one that was read to its end.
    """

    cursor: str
    filters: str
    generation: int
    complete: int


class Store(ABC):
    """A copy in a database. ``each`` is called within the transaction for every change that takes effect, the removals
    of a sweep included, with the database's cursor: what it writes there is stored with the page or not at all.
    """

    json_type = "TEXT"
    lock = ""
    alone = "SELECT 1"
    """A statement after which no other process makes the tables."""

    def __init__(self, each: Callable[[Any, Change], None] = lambda _cursor, _change: None) -> None:
        self._each = each
        with self._transaction() as database:
            self._run(database, self.alone)
            for table in _TABLES:
                self._run(database, table.format(json=self.json_type))

    @abstractmethod
    def _transaction(self) -> AbstractContextManager[Any]:
        """One transaction, which gives a cursor of the database; an error undoes all of it."""

    @abstractmethod
    def _run(self, database: Any, statement: str, *values: object) -> Any:
        """Execute one statement, whose parameters are question marks; gives the cursor."""

    def position(self, filters: str) -> Position:
        """The position under these filters. A cursor belongs to its filters: others begin a new generation."""
        with self._transaction() as database:
            at = self._position(database)
            if at.filters != filters and at != Position("", "", 1, 0):
                return self._begin(database, at, filters)
            return Position(at.cursor, filters, at.generation, at.complete)

    def restart(self, before: Position) -> None:
        """Begin a new generation (410), unless another follower has done so."""
        with self._transaction() as database:
            if self._position(database).generation == before.generation:
                self._begin(database, before, before.filters)

    def apply(self, page: Page, before: Position | None = None) -> bool:
        """Apply a page whole, and keep its cursor, or change nothing: where another follower has moved since
        ``before``, or a push is of an earlier generation. Whether it was applied.
        """
        with self._transaction() as database:
            at = self._position(database)
            if before is not None and (at.cursor, at.generation) != (before.cursor, before.generation):
                return False
            generation = page.generation if before is None and page.generation is not None else at.generation
            if generation < at.generation:
                return False
            for change in page.changes:
                self._change(database, change, generation)
            complete = at.complete
            if not page.more:
                if complete < generation:
                    self._sweep(database, generation)
                    complete = generation
                self._run(database, _FORGET, clock.now() - _KEPT)
            filters = at.filters if before is None else before.filters
            self._run(database, _MOVE, page.cursor or "", filters, generation, complete)
        return True

    def live(self) -> int:
        """The number of live offers in the copy."""
        with self._transaction() as database:
            found = self._run(database, "SELECT count(*) FROM passerelle_offers WHERE offer IS NOT NULL").fetchone()
            return int(found[0])

    def offers(self) -> Iterator[tuple[str, int, Any]]:
        """The live offers: id, sequence and offer of each."""
        with self._transaction() as database:
            for offer_id, sequence, offer in self._run(database, _LIVE):
                yield offer_id, sequence, json.loads(offer) if isinstance(offer, str) else offer

    def _position(self, database: Any) -> Position:
        return Position(*self._run(database, _POSITION + self.lock).fetchone())

    def _begin(self, database: Any, at: Position, filters: str) -> Position:
        begun = Position("", filters, at.generation + 1, at.complete)
        self._run(database, _MOVE, begun.cursor, begun.filters, begun.generation, begun.complete)
        return begun

    def _change(self, database: Any, change: Change, generation: int) -> None:
        offer = None if change.offer is None else _text(change.offer)
        row = (change.id, change.sequence, generation, clock.now(), offer, _text(change.members))
        if self._run(database, _APPLY, *row).rowcount:
            self._each(database, change)

    def _sweep(self, database: Any, generation: int) -> None:
        for offer_id, sequence in self._run(database, _UNNAMED, generation).fetchall():
            self._each(database, Change(offer_id, sequence, None, {"op": "removal", "id": offer_id}))
        self._run(database, _SWEEP, clock.now(), generation)


class SqliteStore(Store):
    """A copy in an SQLite file, or in the caller's connection, which is in no transaction then."""

    def __init__(self, database: str | sqlite3.Connection, **options: Any) -> None:
        self._database = sqlite3.connect(database, timeout=60.0) if isinstance(database, str) else database
        super().__init__(**options)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with self._database:
            cursor = self._database.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            yield cursor

    def _run(self, database: Any, statement: str, *values: object) -> Any:
        return database.execute(statement, values)


class PostgresStore(Store):
    """A copy in PostgreSQL, through a connection of psycopg 3 that is in no transaction."""

    json_type = "JSON"
    lock = " FOR UPDATE"
    alone = "SELECT pg_advisory_xact_lock(402)"

    def __init__(self, database: "psycopg.Connection[Any]", **options: Any) -> None:
        self._database = database
        super().__init__(**options)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._database.transaction(), self._database.cursor() as cursor:
            yield cursor

    def _run(self, database: Any, statement: str, *values: object) -> Any:
        return database.execute(statement.replace("?", "%s"), values)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
