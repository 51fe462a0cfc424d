"""Followers: views that another process of the machine updates, read from its files.

The process that updates a view records its progress in the file; a follower opens that file read-only, and sees each
step within 10 milliseconds.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

import orjson
import structlog

from gateway.errors import LogUnavailableError
from gateway.runtime.sqlite_damage import (
    DamagedCopyError,
    is_damage,
    register,
    using_copy,
)
from gateway.store.copy_file import marker
from gateway.store.deliveries import DeliveryView
from gateway.store.offers import OfferView
from gateway.store.receipts import ReceiptView
from gateway.store.runs import RunView
from gateway.store.search.index_store import EMPTY, Index, RecentOffsets
from gateway.store.view import (
    Held,
    Meta,
    View,
    read_meta,
)

_EVERY_SECONDS = 0.01
_ATTACH_SECONDS = 0.1
_KNOWN = "SELECT json_group_array(receipt) FROM receipts WHERE receipt IN (SELECT value FROM json_each(?))"


Answer = TypeVar("Answer")

_logger = structlog.get_logger()


class Follower(View):
    """The part that all followers share. Precedes the followed kind of view among the base classes.

    A damaged file is rebuilt by the process that updates it; a follower that finds the damage marks the file, and
    refuses readers until a new file exists.
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._connections: list[sqlite3.Connection] = []
        self._inode: int | None = None
        """The inode of the attached file; None while none is attached."""
        self._version = 0
        self._seen: int | None = None
        self._seen_positions: tuple[int, ...] = ()
        self._reason = ""
        self._attached_at = 0.0
        self._watchers = 0
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, log_identity: str, partitions: int) -> Self:
        """Open the file of a view. Raises LogUnavailableError when it is missing, or belongs to another log."""
        view = cls(path, log_identity=log_identity, partitions=partitions)
        if not await view._in_executor(view._attach):
            raise LogUnavailableError(f"The view {path} cannot be followed ({view._reason}): is its gateway running?")
        return view

    @property
    def positions(self) -> tuple[int, ...]:
        """Per partition the next offset to read, as now recorded in the file."""
        self._check()
        return self._applied

    @property
    def caught_up(self) -> bool:
        """Whether the view has reached the end that its log had at the start, as now recorded in the file."""
        self._check()
        return self._at_end

    @caught_up.setter
    def caught_up(self, value: bool) -> None:
        self._at_end = value

    @property
    def fresh(self) -> int:
        """When the view was last at the end of the log (ms since 1970), as now recorded in the file."""
        self._check()
        return self._fresh

    @fresh.setter
    def fresh(self, value: int) -> None:
        self._fresh = value

    @property
    def began(self) -> int:
        """When the view was last emptied (ms since 1970), as now recorded in the file."""
        self._check()
        return self._began

    @began.setter
    def began(self, value: int) -> None:
        self._began = value

    async def close(self) -> None:
        """Close the file."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._in_executor(self._let_go)
        await asyncio.to_thread(self._reader.shutdown)
        await asyncio.to_thread(self._writer.shutdown)

    async def look(self) -> None:
        """Wake the callers that wait for a change: the file has changed."""
        self._wake()

    async def _in_executor(self, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._reader, call)

    async def _in_thread(self, thread: ThreadPoolExecutor, call: Callable[..., Answer], *args: object) -> Answer:
        """Run a call on the present file; damage that it finds is marked before it is raised."""

        def attached() -> Answer:
            if self._is_replaced() and not self._attach():
                raise LogUnavailableError(f"The view {self._path} cannot be followed ({self._reason}).")
            with using_copy(self._path):
                return call(*args)

        try:
            return await asyncio.get_running_loop().run_in_executor(thread, attached)
        except DamagedCopyError as error:
            self._mark(error)
            raise

    def _mark(self, error: DamagedCopyError) -> None:
        """Report damage to the process that updates the file, unless that has already begun another one."""
        if not self._is_replaced() and not marker(self._path).exists():
            _logger.warning("view.damaged", file=str(self._path), reason=str(error))
            with suppress(OSError):
                marker(self._path).touch(0o600)
        self._inode, self._at_end = None, False

    def _is_replaced(self) -> bool:
        try:
            return self._inode != self._path.stat().st_ino
        except OSError:
            return True

    def _attach(self) -> bool:
        """Open the present file, in the reading thread. False where that fails, with the reason in ``_reason``."""
        self._let_go()
        if marker(self._path).exists():
            self._reason = "it is damaged, and has not been rebuilt yet"
            return False
        try:
            file = self._path.stat().st_ino
            self._reading, watch = self._follow(), self._follow()
            if not self._file.belongs(self._reading):
                self._reason = "it belongs to another log or another version"
                self._let_go()
                return False
            meta = read_meta(self._reading)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._reason = str(error)
            self._let_go()
            return False
        self._watch, self._seen, self._version = watch, None, 0
        self._note(meta)
        self._reload(self._reading, -1)
        self._inode = file
        return True

    def _let_go(self) -> None:
        self._inode = None
        while self._connections:
            self._connections.pop().close()

    def _follow(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        self._connections.append(connection)
        register(connection)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -16384")
        return connection

    @contextmanager
    def _read_transaction(self, held: Callable[[], Held]) -> Iterator[tuple[sqlite3.Connection, tuple[int, ...], Held]]:
        db = self._reading
        db.execute("BEGIN")
        try:
            (version,) = db.execute(
                "PRAGMA data_version"
            ).fetchone()  # the first read: fixes the state that the transaction sees
            if version != self._seen:
                self._seen = None
                meta = read_meta(db)
                self._reload(db, meta.began)
                self._seen_positions, self._seen = meta.applied, version
            yield db, self._seen_positions, held()
        finally:
            with suppress(sqlite3.Error):  # the first error is raised
                db.execute("COMMIT")

    def _reload(self, db: sqlite3.Connection, began: int) -> None:
        """Called when the file has changed since the last read transaction; ``began`` is when it was last emptied."""

    def _note(self, meta: Meta) -> None:
        self._applied, self._fresh, self._began, self._at_end = meta

    def _check(self) -> None:
        """Read the metadata of the file, if it has changed since the last check. Only here: a read transaction may see
        an older state than the one already noted. A file that is damaged, or was replaced, is not caught up.
        """
        if self._inode is None or self._is_replaced():
            self._at_end = False  # until a query or a waiting caller attaches the new file
            self._attach_soon()
            return
        try:
            (version,) = self._watch.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._version = version
                self._note(read_meta(self._watch))
        except sqlite3.ProgrammingError:  # closed by the reading thread, which attaches another file
            self._at_end = False
        except (sqlite3.Error, ValueError) as error:
            self._at_end = False
            if is_damage(error):
                self._mark(DamagedCopyError(str(error)))

    def _attach_soon(self) -> None:
        """Try to attach the new file, at most every tenth of a second."""
        now = time.monotonic()
        if now - self._attached_at >= _ATTACH_SECONDS:
            self._attached_at = now
            with suppress(RuntimeError):  # closed
                self._reader.submit(self._attach_again)

    def _attach_again(self) -> None:
        if self._is_replaced():
            self._attach()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Watch the file for changes while the context is entered."""
        self._watchers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch_file())
        try:
            yield
        finally:
            self._watchers -= 1

    async def _watch_file(self) -> None:
        woken = None
        while self._watchers:
            self._check()
            if self._version != woken:  # also where another caller noticed the change first
                woken = self._version
                await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        self._check()
        if holds():  # nearly always: a returning reader is at the positions of this view
            return True
        with self._watched():
            return await super()._until(holds, seconds)


class FollowedOffers(Follower, OfferView):
    """The offer view, updated by another process."""

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._recent: RecentOffsets | None = None
        self._recent_began = 0

    def _reload(self, db: sqlite3.Connection, began: int) -> None:
        self._settled = self._has_settled(db)
        if began < 0:  # another file: loaded at the first query
            self._recent = None
        elif self._recent is None or began != self._recent_began or not self._recent.catch_up(db):
            self._recent, self._recent_began = RecentOffsets.load(db), began

    def _held(self) -> Index:
        return EMPTY if self._recent is None else self._recent.index


class FollowedDeliveries(Follower, DeliveryView):
    """The delivery view, updated by another process."""


class FollowedRuns(Follower, RunView):
    """The run view, updated by another process."""


class FollowedReceipts(Follower, ReceiptView):
    """The receipt view, updated by another process."""

    async def wait(self, receipt_id: str, timeout: float) -> dict[str, object] | None:  # noqa: ASYNC109  # as ReceiptView
        """Return the receipt as soon as it exists; None after ``timeout`` seconds."""
        with self._watched():
            return await super().wait(receipt_id, timeout)

    async def look(self) -> None:
        """Wake the callers that wait for a change, and those whose receipt has arrived."""
        self._wake()
        if self._waiting:
            for receipt_id in await self._in_reader(self._known, list(self._waiting)):
                self._call(receipt_id)

    def _known(self, receipt_ids: Sequence[str]) -> list[str]:
        row = self._reading.execute(_KNOWN, (orjson.dumps(receipt_ids).decode(),)).fetchone()
        known: list[str] = orjson.loads(row[0])
        return known
