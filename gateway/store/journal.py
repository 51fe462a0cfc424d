"""The journal view: the acts of operators, newest first, by act, object, author and time."""

import sqlite3
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from gateway.log.port import Chunk
from gateway.protocol.journal import PARTITION, JournalEntry, JournalFilter, read_entry
from gateway.runtime.sqlite_damage import Tables, computed
from gateway.store.view import View

_COLUMNS = ("number", "record_offset", "at", "act", "about", "person", "client", "value")
_TABLES: Tables = {"entries": _COLUMNS}
_WHOLE = f"whole(sum, {', '.join(_COLUMNS)})"
_AMONG = "{} IN (SELECT value FROM json_each(?))"


class JournalView(View):
    """A copy of ``journal``, as far as the log holds it: pseudonyms, never a name. An entry that is unreadable is left
    out; the audit reports it.
    """

    FORMAT = 2
    TABLES: ClassVar[Tables] = _TABLES
    SCHEMA = f"""
        CREATE TABLE entries (
            number INTEGER PRIMARY KEY, record_offset INTEGER NOT NULL, at INTEGER NOT NULL, act TEXT NOT NULL,
            about TEXT NOT NULL, person TEXT, client TEXT, value BLOB NOT NULL, {computed(_COLUMNS)}
        );
        CREATE INDEX entries_about ON entries (about, number);
    """

    async def page(
        self, *, before: int | None, limit: int, criteria: JournalFilter, oldest: bool = False
    ) -> tuple[Sequence[JournalEntry], int | None, bool]:
        """Entries below a number, newest first, or above it, oldest first; the number to continue from, and whether
        there are more.
        """
        conditions, values = _conditions(criteria, before, than=">" if oldest else "<")
        order = "ASC" if oldest else "DESC"
        statement = f"SELECT value FROM entries WHERE {' AND '.join(conditions)} ORDER BY number {order} LIMIT ?"  # noqa: S608  # our own conditions
        rows = await self.copy.read(lambda db: db.execute(statement, (*values, limit + 1)).fetchall())
        entries = tuple(read_entry(row[0]) for row in rows[:limit])
        return entries, entries[-1].number if entries else before, len(rows) > limit

    async def count(self, criteria: JournalFilter) -> int:
        """The number of entries that a filter selects."""
        conditions, values = _conditions(criteria, None)
        statement = f"SELECT count(*) FROM entries WHERE {' AND '.join(conditions[:-1] or ['1'])}"  # noqa: S608  # our own conditions; a count needs no checksum of each row
        number: int = (await self.copy.read(lambda db: db.execute(statement, values).fetchone()))[0]
        return number

    async def trim(self, starts: Sequence[int], now: int) -> None:  # noqa: ARG002  # by offset, not by time
        """Delete the entries that the log no longer holds."""
        await self.updated.write(
            lambda db: db.execute("DELETE FROM entries WHERE record_offset < ?", (starts[PARTITION],))
        )

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Store these entries."""
        for chunk in chunks:
            if chunk.partition != PARTITION:
                continue
            for record in chunk.records:
                if record.value is None or record.offset < applied[chunk.partition]:
                    continue
                try:
                    entry = read_entry(record.value)
                except ValueError:
                    continue
                row = (
                    entry.number,
                    record.offset,
                    entry.at,
                    entry.act,
                    entry.about,
                    entry.person,
                    entry.client,
                    record.value,
                )
                db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _conditions(criteria: JournalFilter, before: int | None, *, than: str = "<") -> tuple[list[str], list[Any]]:
    given: list[tuple[str, Any]] = []
    if before is not None:
        given.append((f"number {than} ?", before))
    if criteria.acts:
        given.append((_AMONG.format("act"), orjson.dumps(sorted(criteria.acts)).decode()))
    if criteria.persons is not None:
        given.append((_AMONG.format("person"), orjson.dumps(sorted(criteria.persons)).decode()))
    for condition, value in (
        ("about = ?", criteria.about),
        ("client = ?", criteria.client),
        ("at >= ?", criteria.since),
        ("at < ?", criteria.until),
    ):
        if value is not None:
            given.append((condition, value))
    return [*(condition for condition, _ in given), _WHOLE], [value for _, value in given]
