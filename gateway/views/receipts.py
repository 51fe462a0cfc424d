"""The receipt view: what became of each submission, by receipt id and by whom it concerns."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import orjson

from gateway.checksum import checksum, joined
from gateway.damage import ChecksumError, Tables
from gateway.ports import Chunk
from gateway.protocol.identity import GATEWAY, platform_of
from gateway.protocol.topic import DAY_MS
from gateway.views import receipt_counts
from gateway.views.place import offset_at, partition_at, place_of
from gateway.views.receipt_counts import Count, Counted
from gateway.views.view import View

Receipt = dict[str, Any]

_KEPT_MS = 30 * DAY_MS
_TRIMMED_AT_ONCE = 5_000
# The same command of the gateway, sent twice, bears one receipt id: its first outcome is the one that counts.
_INSERT = "INSERT OR IGNORE INTO receipts VALUES "
_COLUMNS = ("place", "receipt", "concerns", "appended", "value")
_ROW = "(?, ?, ?, ?, ?, ?)"
_ROWS_AT_ONCE = 128  # rows in one statement, so that the interpreter's lock changes hands rarely
_JOINED = f"SELECT CAST(group_concat(sum || char(31) || {joined(_COLUMNS)}, char(10)) AS BLOB) FROM ({{}})"  # noqa: S608  # names of our own tables and columns
_PAGE = _JOINED.format("SELECT * FROM receipts WHERE concerns = ? AND place >= ? AND place < ? ORDER BY place LIMIT ?")
_BY_RECEIPT = _JOINED.format("SELECT * FROM receipts WHERE receipt = ?")
_FIRST_KEPT = "SELECT place FROM receipts WHERE place >= ? AND place < ? AND appended >= ? ORDER BY place LIMIT 1"
_OLDEST = """SELECT json_group_array(place) FROM (
    SELECT place FROM receipts WHERE place >= ? AND place < ? ORDER BY place LIMIT ?)"""
_TRIM = "DELETE FROM receipts WHERE place IN (SELECT value FROM json_each(?))"


class ReceiptView(View):
    """A copy of ``receipts``, for the 30 days that the topic keeps them."""

    FORMAT = 3
    TABLES: ClassVar[Tables] = {"receipts": _COLUMNS, **receipt_counts.TABLES}
    SCHEMA = f"""
        CREATE TABLE receipts (
            place INTEGER PRIMARY KEY, receipt TEXT NOT NULL UNIQUE, concerns TEXT NOT NULL,
            appended INTEGER NOT NULL, value BLOB NOT NULL, sum INTEGER
        );
        CREATE INDEX receipts_concerns ON receipts (concerns, place);
        {receipt_counts.SCHEMA}
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    async def apply(self, chunks: Sequence[Chunk]) -> None:
        """Take in what a reader of the log got, and wake those who wait for one of these receipts."""
        await super().apply(chunks)
        if self._waiting:
            for chunk in chunks:
                for record in chunk.records:
                    self._call(orjson.loads(record.value)["receipt"] if record.value else "")

    async def get(self, receipt_id: str) -> Receipt | None:
        """The receipt document (schema ``receipt``), or None when there is none yet, or no longer."""
        return await self._in_reader(self._get, receipt_id)

    async def find(self, receipt_id: str, publisher: str) -> Receipt | None:
        """The receipt, if it concerns this publisher (as ``page`` has it)."""
        receipt = await self.get(receipt_id)
        return receipt if receipt is not None and _concerns(receipt) == publisher else None

    async def wait(self, receipt_id: str, timeout: float) -> Receipt | None:  # noqa: ASYNC109  # an answer, not an error
        """The receipt as soon as it is applied; None after ``timeout`` seconds."""
        applied = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(receipt_id, set())
        waiting.add(applied)  # before looking, or a receipt applied in between would be missed
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

    async def page(
        self, publisher: str, *, after: Sequence[int] | None, limit: int
    ) -> tuple[list[Receipt], tuple[int, ...], bool]:
        """Receipts of a platform's own submissions and of the gateway's about its offers, newest last, after a position
        vector; the vector to go on from, and whether more is already here. The same on every replica.
        """
        start = tuple(after) if after is not None else (0,) * self._partitions
        return await self._in_reader(self._page, publisher, start, limit)

    async def counts(self) -> Mapping[str, Mapping[str, Count]]:
        """By platform and verdict: what became of its own submissions, as far as the log still holds it."""
        return await self._in_reader(self._counts)

    async def trim(self, starts: Sequence[int], now: int) -> None:
        """Let go of receipts that lie below the log's starts or are older than 30 days."""
        for partition, start in enumerate(starts):
            more = True
            while more:  # in pieces, so that what is to be applied comes in between
                more = await self._in_writer(self._trim, partition, start, now - _KEPT_MS)

    def _call(self, receipt_id: str) -> None:
        for future in self._waiting.get(receipt_id, ()):
            if not future.done():
                future.set_result(None)

    def _get(self, receipt_id: str) -> Receipt | None:
        found = _split(self._reading.execute(_BY_RECEIPT, (receipt_id,)).fetchone()[0])
        return found[0][1] if found else None

    def _page(self, publisher: str, start: tuple[int, ...], limit: int) -> tuple[list[Receipt], tuple[int, ...], bool]:
        lanes: list[tuple[str, int, Receipt]] = []
        with self._moment(lambda: None) as (db, applied, _):
            positions = list(map(max, applied, start))
            for partition, end in enumerate(positions):
                bounds = place_of(partition, start[partition]), place_of(partition, end)
                rows = db.execute(_PAGE, (publisher, *bounds, limit + 1)).fetchone()[0]
                lanes += _in_time(_split(rows))
        lanes.sort(key=lambda row: row[:2])
        for _, place, _receipt in reversed(lanes[limit:]):  # the first that is left over is where to go on
            positions[partition_at(place)] = offset_at(place)
        return [receipt for *_, receipt in lanes[:limit]], tuple(positions), len(lanes) > limit

    def _counts(self) -> Mapping[str, Mapping[str, Count]]:
        return receipt_counts.read(self._reading)

    def _write(self, chunks: Iterable[Chunk]) -> None:
        rows: list[tuple[int, str, str, int, bytes, int]] = []
        counted: list[Counted] = []
        for chunk in chunks:
            for record in chunk.records:
                if record.offset >= self._applied[chunk.partition] and record.value is not None:
                    receipt = orjson.loads(record.value)
                    place = place_of(chunk.partition, record.offset)
                    row = place, receipt["receipt"], _concerns(receipt), record.appended_at, record.value
                    rows.append((*row, checksum(*row)))
                    if receipt["publisher"] != GATEWAY:  # only its own may come twice
                        counted.append(Counted(receipt["publisher"], receipt["verdict"], record.appended_at, place))
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[first : first + _ROWS_AT_ONCE]
            self._db.execute(_INSERT + ",".join([_ROW] * len(some)), tuple(chain.from_iterable(some)))
        receipt_counts.add(self._db, counted)

    def _trim(self, partition: int, start: int, oldest: int) -> bool:
        """Delete some; whether there may be more."""
        low, high = place_of(partition, 0), place_of(partition, self._applied[partition])
        kept = self._db.execute(_FIRST_KEPT, (low, high, oldest)).fetchone()
        below = max(place_of(partition, start), kept[0] if kept else high)
        (places,) = self._db.execute(_OLDEST, (low, below, _TRIMMED_AT_ONCE)).fetchone()
        with self._transaction():
            receipt_counts.take_off(self._db, places)
            trimmed = self._db.execute(_TRIM, (places,)).rowcount
            self._db.execute("COMMIT")
        return trimmed == _TRIMMED_AT_ONCE


def _concerns(receipt: Receipt) -> str:
    """Whose receipt it is: its publisher's, or for a command of the gateway that of the offer's platform."""
    publisher: str = receipt["publisher"]
    return platform_of(receipt["id"]) if publisher == GATEWAY else publisher


def _split(lines: bytes | None) -> list[tuple[int, Receipt]]:
    """The receipts of rows that were fetched as one. Raises ChecksumError."""
    found = []
    for line in () if lines is None else lines.split(b"\n"):
        stored, _, row = line.partition(b"\x1f")
        if b"%d" % crc32(row) != stored:
            raise ChecksumError(f"the checksum of a row does not match ({row[:60]!r})")
        place, _, _, _, value = row.split(b"\x1f", 4)
        found.append((int(place), orjson.loads(value)))
    return found


def _in_time(rows: list[tuple[int, Receipt]]) -> Iterator[tuple[str, int, Receipt]]:
    """One partition's rows with a time to merge by, which never goes back, so that each page takes a whole stretch."""
    latest = ""
    for place, receipt in rows:
        latest = max(latest, receipt["at"])
        yield latest, place, receipt
