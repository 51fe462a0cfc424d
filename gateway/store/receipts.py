"""The receipt view: the outcome of each submission, by receipt id and by platform concerned."""

import asyncio
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, TypeAlias
from zlib import crc32

import orjson

from gateway.log.port import Chunk
from gateway.protocol.identity import BATCH, GATEWAY, SNAPSHOT, platform_of
from gateway.protocol.topic import DAY_MS
from gateway.runtime.sqlite_damage import ChecksumError, Tables, require_missing
from gateway.store import receipt_counts, receipt_search
from gateway.store.log_offset import log_offset_of, offset_at, partition_at
from gateway.store.receipt_counts import Counted, ReceiptCount
from gateway.store.receipt_search import (
    ALL,
    COLUMNS,
    WHOLE,
    Found,
    ReceiptFilter,
    receipts_at,
)
from gateway.store.view import View

Receipt = dict[str, Any]
Page: TypeAlias = tuple[list[Receipt], tuple[int, ...], bool]
"""Receipts, the position vector to continue from, and whether the view holds more."""

_KEPT_MS = 30 * DAY_MS
_TRIMMED_AT_ONCE = 5_000
# A command of the gateway that is sent twice has one receipt id: its first outcome counts.
_INSERT = "INSERT OR IGNORE INTO receipts VALUES "
_ROW = f"({','.join('?' * (len(COLUMNS) + 1))})"
_ROWS_AT_ONCE = 128  # rows in one statement, so that the GIL is released rarely
_GET = f"SELECT value FROM receipts WHERE receipt = ? AND {WHOLE}"  # noqa: S608  # our own columns
_KNOWN = "SELECT json_group_array(receipt) FROM receipts WHERE receipt IN (SELECT value FROM json_each(?))"
_OUTCOMES = f"""SELECT json_group_array(json_array(receipt, verdict,
        CASE WHEN verdict IN ('stale', 'rejected') THEN CAST(value AS TEXT) END))
    FROM receipts WHERE receipt IN (SELECT value FROM json_each(?)) AND {WHOLE}"""  # noqa: S608  # our own columns
_LATEST = "SELECT moment FROM receipts WHERE log_offset >= ? AND log_offset < ? ORDER BY log_offset DESC LIMIT 1"
_FIRST_KEPT = """SELECT log_offset FROM receipts
    WHERE log_offset >= ? AND log_offset < ? AND appended >= ? ORDER BY log_offset LIMIT 1"""
_OLDEST = """SELECT json_group_array(log_offset) FROM (
    SELECT log_offset FROM receipts WHERE log_offset >= ? AND log_offset < ? ORDER BY log_offset LIMIT ?)"""
_TRIM = "DELETE FROM receipts WHERE log_offset IN (SELECT value FROM json_each(?))"


class ReceiptView(View):
    """A copy of ``receipts``, for the 30 days that the topic keeps them."""

    FORMAT = 7
    TABLES: ClassVar[Tables] = {"receipts": COLUMNS, **receipt_counts.TABLES}
    SCHEMA = f"""
        CREATE TABLE receipts (
            log_offset INTEGER PRIMARY KEY, receipt TEXT NOT NULL UNIQUE, concerns TEXT NOT NULL,
            appended INTEGER NOT NULL, moment INTEGER NOT NULL, verdict TEXT NOT NULL,
            problems INTEGER NOT NULL, moderation INTEGER NOT NULL, id TEXT, upload TEXT, value BLOB NOT NULL,
            sum INTEGER
        );
        {receipt_search.SCHEMA}
        {receipt_counts.SCHEMA}
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int, follow: bool) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions, follow=follow)
        self._partitions = partitions
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    async def apply(self, chunks: Sequence[Chunk]) -> None:
        """Apply chunks of the topic, and wake the callers that wait for one of these receipts."""
        await super().apply(chunks)
        if self._waiting:
            for chunk in chunks:
                for record in chunk.records:
                    self._call(orjson.loads(record.value)["receipt"] if record.value else "")

    async def get(self, receipt_id: str) -> Receipt | None:
        """The receipt document (schema ``receipt``), or None before it exists and after its retention."""
        return await self.copy.read(lambda db: _get(db, receipt_id))

    async def find(self, receipt_id: str, publisher: str) -> Receipt | None:
        """The receipt, if it concerns this publisher (as in ``page``)."""
        receipt = await self.get(receipt_id)
        return receipt if receipt is not None and _concerns(receipt) == publisher else None

    async def wait(self, receipt_id: str, timeout: float) -> Receipt | None:  # noqa: ASYNC109  # an answer, not an error
        """Return the receipt as soon as it is applied; None after ``timeout`` seconds."""
        applied = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(receipt_id, set())
        waiting.add(applied)  # before the query, or a receipt applied in between would be missed
        with self.copy.watched():
            try:
                receipt = await self.get(receipt_id)
                if receipt is not None:
                    return receipt
                async with asyncio.timeout(timeout):
                    await applied
            except TimeoutError:
                pass
            finally:
                waiting.discard(applied)
                if not waiting:
                    self._waiting.pop(receipt_id, None)
            return await self.get(receipt_id)

    async def outcomes(self, receipt_ids: Sequence[str]) -> Mapping[str, Receipt]:
        """By receipt id, the outcomes that have been applied: the document where the verdict is stale or rejected, else
        the verdict alone. Takes about 2,000 ids at once.
        """
        return await self.copy.read(lambda db: _outcomes(db, receipt_ids))

    async def page(
        self,
        publisher: str | Collection[str] | None,
        *,
        after: Sequence[int] | None,
        limit: int,
        criteria: ReceiptFilter = ALL,
        newest: bool = False,
    ) -> Page:
        """Receipts of a platform's own submissions, of several or (None) of all, and of the gateway's commands about
        their offers, filtered by ``criteria``: oldest first after a position vector, or newest first before one. The
        same on every replica.
        """
        vector = None if after is None else tuple(after)
        publishers = (publisher,) if isinstance(publisher, str) else publisher
        return await self.copy.read(lambda db: self._page(db, publishers, criteria, vector, limit, newest=newest))

    async def counts(self) -> Mapping[str, Mapping[str, ReceiptCount]]:
        """By platform and verdict, the receipts of the platform's own submissions that the log still holds."""
        return await self.copy.read(receipt_counts.read)

    async def trim(self, starts: Sequence[int], now: int) -> None:
        """Delete receipts that are below the log's starts or older than 30 days."""
        for partition, start in enumerate(starts):
            more = True
            while more:  # in pieces, so that new chunks are applied in between
                more = await self.updated.write(partial(self._trim, partition, start, now - _KEPT_MS))

    async def noticed(self) -> None:
        """Wake the callers whose receipt another process has applied."""
        if self._waiting:
            ids = orjson.dumps(list(self._waiting)).decode()
            (known,) = await self.copy.read(lambda db: db.execute(_KNOWN, (ids,)).fetchone())
            for receipt_id in orjson.loads(known):
                self._call(receipt_id)

    def _call(self, receipt_id: str) -> None:
        for future in self._waiting.get(receipt_id, ()):
            if not future.done():
                future.set_result(None)

    def _page(
        self,
        db: sqlite3.Connection,
        publishers: Collection[str] | None,
        criteria: ReceiptFilter,
        vector: tuple[int, ...] | None,
        limit: int,
        *,
        newest: bool,
    ) -> Page:
        nowhere = (0,) * self._partitions
        with self.copy.transaction(db, lambda: None) as (applied, _):
            positions = list(vector or applied) if newest else list(map(max, applied, vector or nowhere))
            lows, highs = (nowhere, map(min, applied, positions)) if newest else (vector or nowhere, positions)
            bounds = zip(lows, highs, strict=True)
            found = sorted(_find(db, publishers, criteria, bounds, limit, newest=newest), reverse=newest)
            receipts = receipts_at(db, [log_offset for _, log_offset in found[:limit]])
        # Continue before the last receipt of the page, or from the first one left over.
        for _, log_offset in found[:limit] if newest else reversed(found[limit:]):
            positions[partition_at(log_offset)] = offset_at(log_offset)
        return receipts, tuple(positions), len(found) > limit

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Store these receipts, and count them."""
        rows: list[tuple[Any, ...]] = []
        counted: list[Counted] = []
        moments: dict[int, int] = {}
        for chunk in chunks:
            moment = moments.get(chunk.partition) or _latest(db, chunk.partition, applied[chunk.partition])
            for record in chunk.records:
                if record.offset >= applied[chunk.partition] and record.value is not None:
                    receipt = orjson.loads(record.value)
                    log_offset = log_offset_of(chunk.partition, record.offset)
                    moment = max(moment, record.appended_at)
                    row = (
                        log_offset,
                        receipt["receipt"],
                        _concerns(receipt),
                        record.appended_at,
                        moment,
                        receipt["verdict"],
                        int(bool(receipt["problems"])),
                        int("moderation" in receipt),
                        receipt.get("id"),
                        receipt.get(BATCH) or receipt.get(SNAPSHOT),
                    )
                    rows.append((*row, record.value, _checksum(row, record.value)))
                    if receipt["publisher"] != GATEWAY:  # only the gateway's commands may be repeated
                        counted.append(
                            Counted(receipt["publisher"], receipt["verdict"], record.appended_at, log_offset)
                        )
            moments[chunk.partition] = moment
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[first : first + _ROWS_AT_ONCE]
            db.execute(_INSERT + ",".join([_ROW] * len(some)), tuple(chain.from_iterable(some)))
        receipt_counts.add(db, counted)

    def _trim(self, partition: int, start: int, oldest: int, db: sqlite3.Connection) -> bool:
        """Delete one piece. Returns whether there may be more."""
        low, high = log_offset_of(partition, 0), log_offset_of(partition, self.positions[partition])
        kept = db.execute(_FIRST_KEPT, (low, high, oldest)).fetchone()
        below = max(log_offset_of(partition, start), kept[0] if kept else high)
        (log_offsets,) = db.execute(_OLDEST, (low, below, _TRIMMED_AT_ONCE)).fetchone()
        receipt_counts.take_off(db, log_offsets)
        trimmed: int = db.execute(_TRIM, (log_offsets,)).rowcount
        return trimmed == _TRIMMED_AT_ONCE


def _checksum(row: tuple[object, ...], value: bytes) -> int:
    """``checksum(*row, value)``, faster: only the last column is a blob."""
    return crc32(value, crc32("\x1f".join((*map(str, row), "")).encode()))


def _get(db: sqlite3.Connection, receipt_id: str) -> Receipt | None:
    row = db.execute(_GET, (receipt_id,)).fetchone()
    if row is None:
        require_missing(db, "receipts", "receipt", receipt_id)
        return None
    receipt: Receipt = orjson.loads(row[0])
    if receipt["receipt"] != receipt_id:
        raise ChecksumError(f"the index of receipts leads from {receipt_id!r} to another one")
    return receipt


def _outcomes(db: sqlite3.Connection, receipt_ids: Sequence[str]) -> Mapping[str, Receipt]:
    (rows,) = db.execute(_OUTCOMES, (orjson.dumps(list(receipt_ids)).decode(),)).fetchone()
    return {
        receipt_id: {"verdict": verdict} if value is None else orjson.loads(value)
        for receipt_id, verdict, value in orjson.loads(rows)
    }


def _latest(db: sqlite3.Connection, partition: int, end: int) -> int:
    """The moment of the last receipt of a partition below an offset; 0 when there is none."""
    bounds = log_offset_of(partition, 0), log_offset_of(partition, end)
    row = db.execute(_LATEST, bounds).fetchone()
    return 0 if row is None else int(row[0])


def _concerns(receipt: Receipt) -> str:
    """The platform that a receipt concerns: its publisher, or for a command of the gateway the offer's platform."""
    publisher: str = receipt["publisher"]
    return platform_of(receipt["id"]) if publisher == GATEWAY else publisher


def _find(
    db: sqlite3.Connection,
    publishers: Collection[str] | None,
    criteria: ReceiptFilter,
    bounds: Iterable[tuple[int, int]],
    limit: int,
    *,
    newest: bool,
) -> Iterator[Found]:
    """At least the first ``limit`` + 1 receipts of each partition; ``bounds`` are offsets. Moments never decrease
    within a partition, so that a page merged by moment takes a contiguous stretch of each.
    """
    those = receipt_search.concerned(db) if publishers is None else sorted(publishers)
    for partition, (low, high) in enumerate(bounds):
        yield from receipt_search.find(
            db,
            those,
            criteria,
            low=log_offset_of(partition, low),
            high=log_offset_of(partition, high),
            limit=limit + 1,
            newest=newest,
        )
