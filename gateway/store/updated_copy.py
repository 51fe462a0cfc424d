"""The copy behind a view in the process that updates it: the writing thread of all copies, one reading thread, and
positions.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import structlog

from gateway.errors import LogUnavailableError
from gateway.log.port import Chunk
from gateway.runtime.checkpoints import Checkpoints
from gateway.runtime.loop import OneThread, Signal, timed
from gateway.runtime.sqlite_damage import (
    ChecksumError,
    DamagedCopyError,
    checksum,
    examine_copy,
    require,
    using_copy,
)
from gateway.store.copy_file import PUT_META, CopyFile

Answer = TypeVar("Answer")
Held = TypeVar("Held")

POSITIONS = "CREATE TABLE positions (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL, sum INTEGER);"
POSITIONS_TABLE = {"positions": ("partition", "position")}
APPLIED = "SELECT sum, partition, position FROM positions ORDER BY partition"
_PUT_POSITION = "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)"
_WRITER = OneThread("views")
"""Writes all copies of this process: threads of their own would wait for each other's GIL (ADR 0030)."""
_CHECKPOINT_AFTER = 2_000
"""Records."""
_EXAMINED_SECONDS = 2.0

_logger = structlog.get_logger()


class CopyContent(Protocol):
    """The content of a copy: its tables, and what is derived from them in memory. Called in the writing thread."""

    def opened(self, db: sqlite3.Connection) -> None:
        """The tables have been opened or emptied."""

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """Write the records at or above ``applied``, inside the transaction that also moves the positions."""

    def committed(self) -> None:
        """The transaction is durable and visible to readers. Called under the lock of read transactions."""


class UpdatedCopy:
    """Rows and positions change in one transaction; readers see whole batches only.

    Damage sets ``damage``: readers are refused until ``rebuild`` has replaced the file.
    """

    def __init__(self, file: CopyFile, content: CopyContent, *, partitions: int) -> None:
        self._file = file
        self._content = content
        self._partitions = partitions
        self._reader = ThreadPoolExecutor(1, thread_name_prefix=f"read-{file.path.stem}")
        self._lock = threading.Lock()
        self._changed = Signal()
        self._checkpoints = Checkpoints(self._connect_aside, after=_CHECKPOINT_AFTER)
        self.positions: tuple[int, ...] = (0,) * partitions
        self.fresh = 0
        self.began = 0
        self.caught_up = False
        self._kept: tuple[int, bool] | None = None
        """``fresh`` and ``caught_up`` as last written with records."""

    async def open(self) -> None:
        """Open or create the file. Raises LogUnavailableError."""
        await asyncio.to_thread(self._connect)  # several files at once

    @property
    def damage(self) -> DamagedCopyError | None:
        """The damage found since the file was last created, by any process; None without any."""
        damage = self._file.damage
        if damage is not None:
            self.caught_up = False
        return damage

    async def rebuild(self) -> None:
        """Replace a damaged file with an empty one, to be filled from the log. Raises LogUnavailableError."""
        self._file.rebuilt()
        await _WRITER.call(self._begin_again)
        self._changed.give()

    async def apply(self, chunks: Sequence[Chunk]) -> None:
        """Apply chunks of the topic. Records that were applied before are skipped."""
        await self._in_writer(self._apply, chunks)
        self._changed.give()

    async def wipe(self, starts: Sequence[int], now: int) -> None:
        """Delete all rows and set these positions, to be filled again from ``now`` (ms) on."""
        await self._in_writer(self._restart, tuple(starts), now)
        self._changed.give()

    async def write(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run work beside the log's records in a write transaction of its own, which commits if it returns."""

        def written() -> Answer:
            with self._transaction():
                answer = work(self._db)
                self._db.execute("COMMIT")
            return answer

        return await self._in_writer(written)

    async def keep(self) -> None:
        """Record in the file when the view was last at the end, for followers and for a restart."""
        await self._in_writer(self._keep)

    async def examine(self) -> None:
        """Check the file for damage that no query has found, and record it."""
        path = self._file.path
        try:
            with using_copy(path):
                await asyncio.to_thread(examine_copy, path, seconds=_EXAMINED_SECONDS)
        except DamagedCopyError as error:
            self._file.noted(error)
            self.caught_up = False
        except LogUnavailableError as error:  # a temporary failure of the disk
            _logger.warning("view.not_examined", file=str(path), reason=str(error))

    async def read(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run a query in the reading thread. Raises DamagedCopyError; LogUnavailableError for a failing disk."""
        with self._noting_damage():
            return await asyncio.get_running_loop().run_in_executor(self._reader, timed(lambda: query(self._reading)))

    @contextmanager
    def transaction(self, db: sqlite3.Connection, held: Callable[[], Held]) -> Iterator[tuple[tuple[int, ...], Held]]:
        """A read transaction, in the reading thread: the positions and the state in memory (``held``) that belong to
        it.
        """
        with self._lock:
            db.execute("BEGIN")
            db.execute("SELECT 1 FROM positions").fetchone()
            positions, state = self.positions, held()
        try:
            yield positions, state
        finally:
            db.execute("COMMIT")

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds, which is checked after each change of the copy; False when time is up first."""
        return await self._changed.until(holds, seconds)

    def watched(self) -> nullcontext[None]:
        """Nothing to do: this process knows of every change."""
        return nullcontext()

    async def close(self) -> None:
        """Finish the running work, then close the file."""
        with suppress(LogUnavailableError), using_copy(self._file.path):  # only the value of ``fresh`` is lost
            await _WRITER.call(self._disconnect)
        await asyncio.to_thread(self._reader.shutdown)

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        """Damage that the block finds is recorded before it is raised."""
        try:
            with self._file.guarded():
                yield
        except DamagedCopyError:
            self.caught_up = False
            raise

    async def _in_writer(self, call: Callable[..., Answer], *args: object) -> Answer:
        with self._noting_damage():
            return await _WRITER.call(call, *args)

    def _begin_again(self) -> None:
        """Replace the file, in the writing thread; all connections are closed before the file is removed."""
        self._checkpoints.close()
        with using_copy(self._file.path):
            with suppress(sqlite3.Error):
                self._reader.submit(self._reading.close).result()
            with suppress(sqlite3.Error):
                self._db.close()
        self._file.remove()
        self._connect()

    def _connect(self) -> None:
        try:
            self._open_file()
        except DamagedCopyError as error:  # found beyond the checks of the file, which is replaced
            self._file.noted(error)
            self._open_file()

    def _open_file(self) -> None:
        self._db = self._file.open()
        try:
            with using_copy(self._file.path):
                meta = read_meta(self._db)
                if len(meta.applied) != self._partitions:
                    raise ChecksumError("it has another number of positions")  # noqa: TRY301
                self.positions, self.fresh, self.began, self.caught_up = meta.applied, meta.fresh, meta.began, False
                self._keep()
                self._kept = None
                self._content.opened(self._db)
                self._reading = self._file.connect()
        except BaseException:
            self._db.close()
            raise

    def _apply(self, chunks: Sequence[Chunk]) -> None:
        applied = list(self.positions)
        for chunk in chunks:
            applied[chunk.partition] = max(applied[chunk.partition], chunk.position)
        with self._transaction():
            self._content.write(self._db, chunks, self.positions)
            moved = [row for row, before in zip(enumerate(applied), self.positions, strict=True) if row[1] != before]
            self._db.executemany(_PUT_POSITION, [(*row, checksum(*row)) for row in moved])
            state = self.fresh, self.caught_up
            if state != self._kept:
                self._keep()
            with self._lock:
                self._db.execute("COMMIT")
                self._kept = state
                self.positions = tuple(applied)
                self._content.committed()
        self._checkpoints.committed(self._db, sum(len(chunk.records) for chunk in chunks))
        self._checkpoints.begin_due()

    def _connect_aside(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file.path, isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _restart(self, positions: tuple[int, ...], now: int) -> None:
        tables = [name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with self._transaction(), self._lock:
            for table in tables:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own tables
            self._file.describe(self._db)
            self._db.executemany(_PUT_POSITION, [(*row, checksum(*row)) for row in enumerate(positions)])
            self.fresh, self.began, self.caught_up, self._kept = 0, now, False, None
            self._keep()
            put_number(self._db, "began", now)
            self._db.execute("COMMIT")
            self.positions = positions
            self._content.opened(self._db)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """A write transaction, which is rolled back unless the block commits."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _disconnect(self) -> None:
        self._checkpoints.close()
        self._reader.submit(self._reading.close).result()
        if self._file.damage is None:
            self._keep()
        self._file.close(self._db)

    def _keep(self) -> None:
        put_number(self._db, "fresh", self.fresh)
        put_number(self._db, "caught_up", int(self.caught_up))


def positions_of(partitions: int) -> str:
    """The statement that sets every position to 0."""
    rows = ", ".join(f"({partition}, 0, {checksum(partition, 0)})" for partition in range(partitions))
    return f"INSERT INTO positions VALUES {rows};"  # noqa: S608  # numbers of our own


def put_number(db: sqlite3.Connection, name: str, number: int) -> None:
    """Write a number to ``meta``, within the caller's transaction if there is one."""
    db.execute(PUT_META, (name, str(number), checksum(name, str(number))))


class Meta(NamedTuple):
    """The metadata of the file: positions, when it was fresh, when it was emptied, whether it has caught up."""

    applied: tuple[int, ...]
    fresh: int
    began: int
    caught_up: bool


def read_meta(db: sqlite3.Connection) -> Meta:
    """Read the metadata. Raises sqlite3.DatabaseError, also for rows whose checksums do not match."""
    notes: dict[str, str] = {}
    for stored, name, value in db.execute("SELECT sum, name, value FROM meta").fetchall():
        require(stored, name, value)
        notes[name] = value
    applied = []
    for stored, partition, position in db.execute(APPLIED):
        require(stored, partition, position)
        applied.append(position)
    fresh, began = int(notes.get("fresh", 0)), int(notes.get("began", 0))
    return Meta(tuple(applied), fresh, began, notes.get("caught_up") == "1")


def read_positions(path: Path, *, log_identity: str) -> tuple[int, ...]:
    """The positions of a view of this log; empty where the file is missing, damaged or of another log."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as db:
            known = db.execute("SELECT 1 FROM meta WHERE name = 'log' AND value = ?", (log_identity,)).fetchone()
            return read_meta(db).applied if known else ()
    except (sqlite3.Error, ValueError):
        return ()
