"""The statistics view: what submissions came to, counted by platform, day, rule, verdict and department; and some of
the documents that were refused at the door; and the distinct refused offers; the public offers by day.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar, Self

import orjson

from gateway.log.port import Chunk
from gateway.protocol.paris_time import paris_date
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.refused_offers import MAX_OFFERS, MORE, REFUSED, OfferCell
from gateway.protocol.statistics import BROKEN, DIMENSIONS, UNBROKEN, Cell, CountRecord, Dimension, read_counts
from gateway.runtime.sqlite_damage import Tables, computed
from gateway.store import refused_documents
from gateway.store.refused_documents import RefusedFilter
from gateway.store.view import View

KEPT_DAYS = 396
"""Days with counts, today included: thirteen months, fewer than the topic keeps, so that the first one is whole."""

_TABLES: Tables = {
    "counts": (*Cell._fields, "number"),
    "writers": ("writer", "number", "day"),
    "offers": (*OfferCell._fields, "offer"),
    "open_offers": ("day", "department", "number"),
}
_SUM = {table: computed(columns) for table, columns in _TABLES.items()}
_ADD = """INSERT INTO counts VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET number = number + excluded.number"""
_NUMBER = "SELECT number FROM writers WHERE writer = ? AND whole(sum, writer, number, day)"
_NOTE = "INSERT OR REPLACE INTO writers VALUES (?, ?, ?)"
_OFFERS = "SELECT offer FROM offers WHERE (day, platform, verdict, rule) = (?, ?, ?, ?)"
_PUT_OFFER = "INSERT OR IGNORE INTO offers VALUES (?, ?, ?, ?, ?)"
_WHOLE = "whole(sum, day, platform, verdict, rule, department, number)"
_DISTINCT_OFFERS = (
    f"count(DISTINCT nullif(offer, x'{MORE.hex()}')), max(offer = x'{MORE.hex()}') FROM offers",
    "1",  # a damaged hash counts as one offer: the check of each row would take twice the time of the rest
)
_OPEN = """SELECT day, sum(number) FROM open_offers WHERE department IN (SELECT value FROM json_each(?))
    AND day BETWEEN ? AND ? AND whole(sum, day, department, number) GROUP BY day"""
_ALL = ""
"""The department of the number of all public offers of a day, which says that the day is known."""
_PUT_OPEN = "INSERT OR REPLACE INTO open_offers VALUES (?, ?, ?)"
_PLATFORMS = "platform IN (SELECT value FROM json_each(?))"
_RULES = {True: f"rule <> '{BROKEN}'", False: f"rule IN ('{UNBROKEN}', '{BROKEN}')"}
"""By whether each rule is counted apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionCount:
    """The submissions that agree in what was asked for; None elsewhere, and for a rule where none is broken, and for a
    department that is not known. ``offers``: how many offers the refused ones are, at least where ``more``; None where
    distinct offers are not known.
    """

    platform: str | None = None
    day: str | None = None
    verdict: str | None = None
    rule: str | None = None
    department: str | None = None
    number: int
    offers: int | None = None
    more: bool = False

    @classmethod
    def of(cls, by: Collection[Dimension], key: Sequence[str], number: int, offers: tuple[int, bool] | None) -> Self:
        """The count of one row: the texts of its columns, in the order of ``DIMENSIONS``, its number and its offers."""
        names = (name for name in DIMENSIONS if name in by)
        columns: dict[str, Any] = {name: text or None for name, text in zip(names, key, strict=True)}
        found, more = offers or (None, False)
        return cls(**columns, number=number, offers=found, more=more)


class StatisticsView(View):
    """The counts of ``statistics``, for the last thirteen months."""

    FORMAT = 5
    TABLES: ClassVar[Tables] = {**_TABLES, **refused_documents.TABLES}
    SCHEMA = f"""
        CREATE TABLE counts (
            day TEXT, platform TEXT, verdict TEXT, rule TEXT, department TEXT, number INTEGER NOT NULL,
            {_SUM["counts"]}, PRIMARY KEY (day, platform, verdict, rule, department)
        ) WITHOUT ROWID;
        CREATE TABLE writers (
            writer TEXT PRIMARY KEY, number INTEGER NOT NULL, day TEXT NOT NULL, {_SUM["writers"]}
        ) WITHOUT ROWID;
        CREATE TABLE offers (
            day TEXT, platform TEXT, verdict TEXT, rule TEXT, offer BLOB, {_SUM["offers"]},
            PRIMARY KEY (day, platform, verdict, rule, offer)
        ) WITHOUT ROWID;
        CREATE TABLE open_offers (
            day TEXT, department TEXT, number INTEGER NOT NULL, {_SUM["open_offers"]}, PRIMARY KEY (department, day)
        ) WITHOUT ROWID;
        {refused_documents.SCHEMA}
    """

    async def counts(
        self,
        first: date,
        last: date,
        *,
        by: Collection[Dimension] = (),
        platforms: Collection[str] | None = None,
        most: int | None = None,
    ) -> Sequence[SubmissionCount]:
        """The counts of some days (both included, Europe/Paris), grouped and ordered by ``by`` in the order of
        ``DIMENSIONS``; of all platforms, or of these. Grouped by rule, a submission is counted under each rule that it
        breaks, an accepted one also under each that warned of it and has a day. At most ``most`` counts.
        """
        sums = await self.sums(first, last, by=by, platforms=platforms, most=most)
        offers = await self.offers(first, last, by=by, platforms=platforms)
        return [SubmissionCount.of(by, key, number, offers.get(key)) for key, number in sums]

    async def sums(
        self, first: date, last: date, *, by: Collection[Dimension], platforms: Collection[str] | None, most: int | None
    ) -> Sequence[tuple[tuple[str, ...], int]]:
        """The numbers of ``counts``, each after the texts of its columns."""
        rows = await self._read("sum(number) FROM counts", _WHOLE, first, last, by, platforms, most)
        return [(row[:-1], row[-1]) for row in rows if row[-1]]

    async def offers(
        self, first: date, last: date, *, by: Collection[Dimension], platforms: Collection[str] | None
    ) -> Mapping[tuple[str, ...], tuple[int, bool]]:
        """The number of distinct refused offers by the texts of the columns, and whether there are further ones; empty
        unless they are grouped by verdict and not by department.
        """
        if not has_distinct_offers(by):
            return {}
        rows = await self._read(*_DISTINCT_OFFERS, first, last, by, platforms, None)
        return {row[:-2]: (row[-2], bool(row[-1])) for row in rows}

    async def _read(
        self,
        sums: str,
        whole: str,
        first: date,
        last: date,
        by: Collection[Dimension],
        platforms: Collection[str] | None,
        most: int | None,
    ) -> Sequence[tuple[Any, ...]]:
        """The rows of the columns in ``by`` and of the sums, grouped and ordered by the columns."""
        columns = ", ".join(name for name in DIMENSIONS if name in by)
        where, values = ["day BETWEEN ? AND ?", _RULES["rule" in by], whole], [first.isoformat(), last.isoformat()]
        if platforms is not None:
            where.insert(1, _PLATFORMS)
            values.append(orjson.dumps(sorted(platforms)).decode())
        statement = (
            f"SELECT {columns and columns + ', '}{sums} WHERE {' AND '.join(where)}"
            f"{columns and f' GROUP BY {columns} ORDER BY {columns}'} LIMIT ?"
        )
        limit = -1 if most is None else most
        return await self.copy.read(lambda db: db.execute(statement, (*values, limit)).fetchall())

    async def open_offers(
        self, first: date, last: date, *, departments: Collection[str] | None = None
    ) -> Mapping[str, int]:
        """By day the public offers, of some departments or all. A day that is known but has none of them is 0."""
        period = (first.isoformat(), last.isoformat())

        def read(db: sqlite3.Connection) -> dict[str, int]:
            every = dict(db.execute(_OPEN, (orjson.dumps([_ALL]).decode(), *period)).fetchall())
            if departments is None:
                return every
            some = db.execute(_OPEN, (orjson.dumps(sorted(departments)).decode(), *period)).fetchall()
            return dict.fromkeys(every, 0) | dict(some)

        return await self.copy.read(read)

    async def refused(self, criteria: RefusedFilter, *, most: int) -> Sequence[RefusedDocument]:
        """The newest named documents that a filter selects, with the rules that it selects; from at most ``most`` pairs
        of document and rule.
        """
        return await self.copy.read(lambda db: refused_documents.newest(db, criteria, most=most))

    async def refused_under(self, offer_id: str, *, most: int) -> Sequence[RefusedDocument]:
        """The newest named documents under this id, as ``refused``."""
        return await self.copy.read(lambda db: refused_documents.of_offer(db, offer_id, most=most))

    async def trim(self, starts: Sequence[int], now: int) -> None:  # noqa: ARG002  # by day, not by offset
        """Delete the counts of days that are too old, and writers that have written nothing since."""
        oldest = first_kept_day(now).isoformat()

        def delete(db: sqlite3.Connection) -> None:
            for table in _TABLES:
                db.execute(f"DELETE FROM {table} WHERE day < ?", (oldest,))  # noqa: S608  # names of our own tables
            refused_documents.trim(db, now)

        await self.updated.write(delete)

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Add the counts of these records, each record once."""
        for chunk in chunks:
            for stored in chunk.records:
                if stored.offset < applied[chunk.partition]:
                    continue
                record = read_counts(stored.key, stored.value)
                if record is None:
                    continue
                noted = db.execute(_NUMBER, (record.writer,)).fetchone()
                if noted is None or record.number > noted[0]:
                    db.execute(_NOTE, (record.writer, record.number, paris_date(stored.appended_at)))
                    db.executemany(_ADD, [_row(cell, number) for cell, number in record.counts.items()])
                    refused_documents.put(db, record.refused)
                    rows = [
                        (day, code, one)
                        for day, found in record.open.items()
                        for code, one in {**found, _ALL: sum(found.values())}.items()
                    ]
                    db.executemany(_PUT_OPEN, rows)
                    for cell, hashes in _offers(record).items():
                        _put_offers(db, cell, hashes)


def first_kept_day(now: int) -> date:
    """The first day whose counts are kept at an instant (ms since 1970)."""
    return date.fromisoformat(paris_date(now)) - timedelta(days=KEPT_DAYS - 1)


def _row(cell: Cell, number: int) -> tuple[Any, ...]:
    return (*cell, number)


def _offers(record: CountRecord) -> Mapping[OfferCell, Collection[bytes]]:
    """The refused offers of a record; those of an earlier version are unknown, and hence further ones."""
    counted = {OfferCell(*cell[:-1]) for cell in record.counts if cell.verdict in REFUSED}
    return {**dict.fromkeys(counted, (MORE,)), **record.offers}


def _put_offers(db: sqlite3.Connection, cell: OfferCell, hashes: Collection[bytes]) -> None:
    """Add offers to a cell; once it holds ``MAX_OFFERS``, only that there are further ones."""
    known = {offer for (offer,) in db.execute(_OFFERS, cell)}
    new = sorted({*hashes} - known - {MORE})
    room = MAX_OFFERS - len(known - {MORE})
    further = [MORE] if len(new) > room or MORE in hashes else []
    db.executemany(_PUT_OFFER, [(*cell, one) for one in (*new[:room], *further)])


def has_distinct_offers(by: Collection[Dimension]) -> bool:
    """Whether counts that are grouped so have distinct refused offers: by verdict, and not by department."""
    return "verdict" in by and "department" not in by
