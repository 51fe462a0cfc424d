"""The statistics view: what submissions came to, counted by platform, day, rule, verdict and department; and some of
the documents that were refused at the door.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

import orjson

from gateway.log.port import Chunk
from gateway.protocol.paris_time import paris_date
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.statistics import BROKEN, DIMENSIONS, UNBROKEN, Cell, Dimension, read_counts
from gateway.runtime.sqlite_damage import Tables, computed
from gateway.store import refused_documents
from gateway.store.refused_documents import RefusedFilter
from gateway.store.view import View

KEPT_DAYS = 396
"""Days with counts, today included: thirteen months, fewer than the topic keeps, so that the first one is whole."""

_TABLES: Tables = {
    "counts": (*Cell._fields, "number"),
    "writers": ("writer", "number", "day"),
}
_SUM = {table: computed(columns) for table, columns in _TABLES.items()}
_ADD = """INSERT INTO counts VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET number = number + excluded.number"""
_NUMBER = "SELECT number FROM writers WHERE writer = ? AND whole(sum, writer, number, day)"
_NOTE = "INSERT OR REPLACE INTO writers VALUES (?, ?, ?)"
_WHOLE = "whole(sum, day, platform, verdict, rule, department, number)"
_PLATFORMS = "platform IN (SELECT value FROM json_each(?))"
_RULES = {True: f"rule <> '{BROKEN}'", False: f"rule IN ('{UNBROKEN}', '{BROKEN}')"}
"""By whether each rule is counted apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionCount:
    """The submissions that agree in what was asked for; None elsewhere, and for a rule where none is broken, and for a
    department that is not known.
    """

    platform: str | None = None
    day: str | None = None
    verdict: str | None = None
    rule: str | None = None
    department: str | None = None
    number: int


class StatisticsView(View):
    """The counts of ``statistics``, for the last thirteen months."""

    FORMAT = 2
    TABLES: ClassVar[Tables] = {**_TABLES, **refused_documents.TABLES}
    SCHEMA = f"""
        CREATE TABLE counts (
            day TEXT, platform TEXT, verdict TEXT, rule TEXT, department TEXT, number INTEGER NOT NULL,
            {_SUM["counts"]}, PRIMARY KEY (day, platform, verdict, rule, department)
        ) WITHOUT ROWID;
        CREATE TABLE writers (
            writer TEXT PRIMARY KEY, number INTEGER NOT NULL, day TEXT NOT NULL, {_SUM["writers"]}
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
        breaks. At most ``most`` counts.
        """
        named = [name for name in DIMENSIONS if name in by]
        columns = ", ".join(named)
        where, values = ["day BETWEEN ? AND ?", _RULES["rule" in by], _WHOLE], [first.isoformat(), last.isoformat()]
        if platforms is not None:
            where.insert(1, _PLATFORMS)
            values.append(orjson.dumps(sorted(platforms)).decode())
        statement = (
            f"SELECT {columns and columns + ', '}sum(number) FROM counts WHERE {' AND '.join(where)}"  # noqa: S608  # our own names
            f"{columns and f' GROUP BY {columns} ORDER BY {columns}'} LIMIT ?"
        )
        limit = -1 if most is None else most
        rows = await self.copy.read(lambda db: db.execute(statement, (*values, limit)).fetchall())
        return [_count(named, row) for row in rows if row[-1]]

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
            db.execute("DELETE FROM counts WHERE day < ?", (oldest,))
            db.execute("DELETE FROM writers WHERE day < ?", (oldest,))
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


def first_kept_day(now: int) -> date:
    """The first day whose counts are kept at an instant (ms since 1970)."""
    return date.fromisoformat(paris_date(now)) - timedelta(days=KEPT_DAYS - 1)


def _row(cell: Cell, number: int) -> tuple[Any, ...]:
    return (*cell, number)


def _count(named: Sequence[Dimension], row: Sequence[Any]) -> SubmissionCount:
    return SubmissionCount(**{name: text or None for name, text in zip(named, row, strict=False)}, number=row[-1])
