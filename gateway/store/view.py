"""The base class of views: one SQLite file, a writing thread, a reading thread, and positions."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import ClassVar, NamedTuple, Self, TypeVar

import structlog

from gateway.errors import LogUnavailableError
from gateway.log.port import Chunk
from gateway.runtime.row_checksum import checksum
from gateway.runtime.sqlite_damage import (
    ChecksumError,
    DamagedCopyError,
    Tables,
    examine_copy,
    require,
    using_copy,
)
from gateway.store.copy_file import PUT_META, CopyFile, marker

Answer = TypeVar("Answer")
Held = TypeVar("Held")

_POSITIONS = "CREATE TABLE positions (partition INTEGER PRIMARY KEY, position INTEGER NOT NULL, sum INTEGER);"
APPLIED = "SELECT sum, partition, position FROM positions ORDER BY partition"
POSITIONS_TABLE = {"positions": ("partition", "position")}
_PUT_POSITION = "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)"
_CHECKPOINT_AFTER = 8_000
_EXAMINED_SECONDS = 2.0
_PRAGMAS = (
    "PRAGMA cache_size = -32768",
    "PRAGMA wal_autocheckpoint = 0",  # a separate step, so that no reader waits for it
    "PRAGMA temp_store = MEMORY",
)


_logger = structlog.get_logger()


class View:
    """A local copy of one topic. Rows and positions change in one transaction; readers see whole batches only.

    The file belongs to one log in one format: the table ``meta`` holds the log's identity, its partition count and the
    format's number, and any difference (or a damaged file) empties it. Nothing per record is kept in Python.

    Damage found later sets ``damage``: readers are refused until ``rebuild`` has replaced the file.
    """

    FORMAT: ClassVar[int]
    SCHEMA: ClassVar[str]
    TABLES: ClassVar[Tables]
    """By table the columns that its column ``sum`` is the checksum of."""

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        self._path = path
        self._file = CopyFile(
            path,
            about={"log": log_identity, "partitions": str(partitions), "format": str(self.FORMAT)},
            layout=_POSITIONS + self.SCHEMA + _positions_of(partitions),
            tables={**POSITIONS_TABLE, **self.TABLES},
            pragmas=_PRAGMAS,
        )
        self._partitions = partitions
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"write-{path.stem}")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix=f"read-{path.stem}")
        self._lock = threading.Lock()
        self._applied: tuple[int, ...] = (0,) * partitions
        self._step = asyncio.Event()
        self._unsaved = 0
        self._saving: asyncio.Task[None] | None = None
        self.fresh = 0
        """When the view was last at the end of the log (ms since 1970); 0: never yet."""
        self.began = 0
        """When it was last emptied (ms since 1970); 0: never since it was created."""
        self.caught_up = False
        """Whether it has reached, since it was opened, the end that the log had then."""

    @classmethod
    async def open(cls, path: Path, *, log_identity: str, partitions: int) -> Self:
        """Open or create the file. Everything applied before a crash or a stop is kept, with its positions."""
        view = cls(path, log_identity=log_identity, partitions=partitions)
        await view._in_writer(view._connect)
        return view

    @property
    def damage(self) -> DamagedCopyError | None:
        """The damage found since the file was last created, by this process or a follower; None without any."""
        if self._file.damage is None and marker(self._path).exists():
            self._file.damage = DamagedCopyError(f"The local copy {self._path} is damaged; a follower has found it.")
            self.caught_up = False
        return self._file.damage

    async def rebuild(self) -> None:
        """Replace a damaged file with an empty one, to be filled from the log. Raises LogUnavailableError."""
        self._file.rebuilt()
        if self._saving is not None:
            await asyncio.gather(self._saving, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._writer, self._begin_again)
        self._wake()

    @property
    def positions(self) -> tuple[int, ...]:
        """Per partition the next offset to read: everything before it has been applied."""
        return self._applied

    async def apply(self, chunks: Sequence[Chunk]) -> None:
        """Apply chunks of the topic. Records that were applied before are skipped."""
        await self._in_writer(self._apply, chunks)
        self._wake()
        if self._unsaved >= _CHECKPOINT_AFTER and (self._saving is None or self._saving.done()):
            if self._saving is not None:
                self._saving.result()
            self._saving = asyncio.create_task(self._save())

    async def reached(self, vector: Sequence[int], timeout: float) -> bool:  # noqa: ASYNC109  # an answer, not an error
        """Wait until everything before these positions has been applied; False after ``timeout`` seconds."""
        return await self._until(lambda: all(a >= b for a, b in zip(self._applied, vector, strict=True)), timeout)

    async def moved(self, positions: Sequence[int], timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until some partition is beyond its position; False after ``timeout`` seconds."""
        return await self._until(lambda: any(a > b for a, b in zip(self._applied, positions, strict=True)), timeout)

    async def wipe(self, starts: Sequence[int], now: int) -> None:
        """Delete all rows and set these positions, to be filled again from ``now`` (ms) on."""
        await self._in_writer(self._restart, tuple(starts), now)
        self._wake()

    async def settle(self) -> None:
        """Build the indexes that are cheaper to build at once, after the view has been filled. Idempotent."""
        await self._in_writer(self._settle)

    async def keep(self) -> None:
        """Record in the file when the view was last at the end, for followers and for a restart."""
        await self._in_writer(self._keep)

    async def examine(self) -> None:
        """Check the file for damage that no query has found, and record it."""
        try:
            with using_copy(self._path):
                await asyncio.to_thread(examine_copy, self._path, seconds=_EXAMINED_SECONDS)
        except DamagedCopyError as error:
            self._file.noted(error)
            self.caught_up = False
        except LogUnavailableError as error:  # a temporary failure of the disk
            _logger.warning("view.not_examined", file=str(self._path), reason=str(error))

    async def trim(self, starts: Sequence[int], now: int) -> None:
        """Delete rows that the log no longer holds, where the view's topic has a retention; ``now`` in ms."""

    async def close(self) -> None:
        """Finish the running work, then close the file."""
        try:
            if self._saving is not None:
                await self._saving
        finally:
            await self._end()

    async def _end(self) -> None:
        with suppress(LogUnavailableError), using_copy(self._path):  # only the value of ``fresh`` is lost
            await asyncio.get_running_loop().run_in_executor(self._writer, self._disconnect)
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._reader.shutdown)

    # Hooks of the subclasses, called in the writing thread.

    def _write(self, chunks: Iterable[Chunk]) -> None:
        """Write the records that are new, inside the transaction that also moves the positions."""
        raise NotImplementedError

    def _settle(self) -> None:
        """Build the indexes that filling the tables omits."""

    def _loaded(self) -> None:
        """Called when the tables have been opened or emptied."""

    def _committed(self) -> None:
        """Called under the lock, once the transaction is durable and visible to readers."""

    # Threads and transactions.

    async def _in_writer(self, call: Callable[..., Answer], *args: object) -> Answer:
        return await self._in_thread(self._writer, call, *args)

    async def _in_reader(self, call: Callable[..., Answer], *args: object) -> Answer:
        return await self._in_thread(self._reader, call, *args)

    async def _in_thread(self, thread: ThreadPoolExecutor, call: Callable[..., Answer], *args: object) -> Answer:
        """Run a call in a thread; damage that it finds is recorded before it is raised."""
        self._file.require_whole()
        try:
            with self._file.guarded():
                return await asyncio.get_running_loop().run_in_executor(thread, call, *args)
        except DamagedCopyError:
            self.caught_up = False
            raise

    @contextmanager
    def _read_transaction(self, held: Callable[[], Held]) -> Iterator[tuple[sqlite3.Connection, tuple[int, ...], Held]]:
        """One read transaction, in the reading thread: the connection, with the positions and the state in memory
        (``held``) that belong to it.
        """
        db = self._reading
        with self._lock:
            db.execute("BEGIN")
            db.execute("SELECT 1 FROM positions").fetchone()
            positions, state = self._applied, held()
        try:
            yield db, positions, state
        finally:
            db.execute("COMMIT")

    def _begin_again(self) -> None:
        """Replace the file, in the writing thread; both connections are closed before the file is removed."""
        with using_copy(self._path):
            with suppress(sqlite3.Error):
                self._reader.submit(self._reading.close).result()
            with suppress(sqlite3.Error):
                self._db.close()
        self._file.remove()
        self._connect()

    def _connect(self) -> None:
        self._db = self._file.open()
        try:
            with using_copy(self._path):
                noted = read_meta(self._db)
                if len(noted.applied) != self._partitions:
                    raise ChecksumError("it has another number of positions")  # noqa: TRY301
                self._applied, self.fresh, self.began, self.caught_up = noted.applied, noted.fresh, noted.began, False
                self._keep()
                self._loaded()
                self._reading = self._file.connect()
        except BaseException:
            self._db.close()
            raise

    def _apply(self, chunks: Sequence[Chunk]) -> None:
        applied = list(self._applied)
        for chunk in chunks:
            applied[chunk.partition] = max(applied[chunk.partition], chunk.position)
        with self._transaction():
            self._write(chunks)
            self._db.executemany(_PUT_POSITION, [(*row, checksum(*row)) for row in enumerate(applied)])
            self._keep()
            with self._lock:
                self._db.execute("COMMIT")
                self._applied = tuple(applied)
                self._committed()
        self._unsaved += sum(len(chunk.records) for chunk in chunks)

    async def _save(self) -> None:
        """Checkpoint the write-ahead log into the file: nearly all of it beside further writes, then the rest between
        two writes, so that the write-ahead log starts again from its beginning. The next write raises for a full disk.
        """
        self._unsaved = 0
        with suppress(LogUnavailableError), using_copy(self._path):
            await asyncio.to_thread(self._checkpoint_aside)
            await self._in_writer(self._checkpoint_rest)

    def _checkpoint_rest(self) -> None:
        _checkpoint(self._db)

    def _checkpoint_aside(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as other:
            other.execute("PRAGMA synchronous = NORMAL")
            _checkpoint(other)

    def _restart(self, positions: tuple[int, ...], now: int) -> None:
        tables = [name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with self._transaction(), self._lock:
            for table in tables:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own tables
            self._file.describe(self._db)
            self._db.executemany(_PUT_POSITION, [(*row, checksum(*row)) for row in enumerate(positions)])
            self.fresh, self.began, self.caught_up = 0, now, False
            self._keep()
            self._set_number("began", now)
            self._db.execute("COMMIT")
            self._applied = positions
            self._loaded()

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
        self._reader.submit(self._reading.close).result()
        with closing(self._db):
            if self._file.damage is not None:
                return  # found again at the next start
            self._keep()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _keep(self) -> None:
        self._set_number("fresh", self.fresh)
        self._set_number("caught_up", int(self.caught_up))

    def _set_number(self, name: str, number: int) -> None:
        self._db.execute(PUT_META, (name, str(number), checksum(name, str(number))))

    def _wake(self) -> None:
        self._step.set()
        self._step = asyncio.Event()

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await self._step.wait()
        except TimeoutError:
            return holds()
        return True


def _positions_of(partitions: int) -> str:
    """The statement that sets every position to 0."""
    rows = ", ".join(f"({partition}, 0, {checksum(partition, 0)})" for partition in range(partitions))
    return f"INSERT INTO positions VALUES {rows};"  # noqa: S608  # numbers of our own


def _checkpoint(db: sqlite3.Connection) -> None:
    """Checkpoint without waiting: pages that a reader still needs stay in the write-ahead log."""
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


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
