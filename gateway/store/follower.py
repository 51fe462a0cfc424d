"""Followers: views that another process keeps on the same machine, asked the same questions from its files.

The process that keeps a view writes it and says in its file how far it has come; a follower opens that file to read
only, and sees each step within 10 milliseconds.
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
    """What every follower does instead of keeping a file. Put before the kind of view that it follows.

    A file that is damaged is rebuilt by the process that keeps it; a follower that finds the damage marks the file, and
    refuses readers until there is a new one.
    """

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._connections: list[sqlite3.Connection] = []
        self._inode: int | None = None
        """The inode of the file that is attached; None while none is."""
        self._version = 0
        self._seen: int | None = None
        self._stood: tuple[int, ...] = ()
        self._reason = ""
        self._attached_at = 0.0
        self._watchers = 0
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, log_identity: str, partitions: int) -> Self:
        """Open the file of a view that is kept. Raises LogUnavailableError when it is missing, or another log's."""
        view = cls(path, log_identity=log_identity, partitions=partitions)
        if not await view._in_executor(view._attach):
            raise LogUnavailableError(f"The view {path} cannot be followed ({view._reason}): is its gateway running?")
        return view

    @property
    def positions(self) -> tuple[int, ...]:
        """Per partition the next offset to read, as the file says now."""
        self._check()
        return self._applied

    @property
    def caught_up(self) -> bool:
        """Whether the view has reached the end that its log had at the start, as the file says now."""
        self._check()
        return self._at_end

    @caught_up.setter
    def caught_up(self, value: bool) -> None:
        self._at_end = value

    @property
    def fresh(self) -> int:
        """When the view last stood at the end of the log (ms since 1970), as the file says now."""
        self._check()
        return self._fresh

    @fresh.setter
    def fresh(self, value: int) -> None:
        self._fresh = value

    @property
    def began(self) -> int:
        """When the view was last emptied (ms since 1970), as the file says now."""
        self._check()
        return self._began

    @began.setter
    def began(self, value: int) -> None:
        self._began = value

    async def close(self) -> None:
        """Let go of the file."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._in_executor(self._let_go)
        await asyncio.to_thread(self._reader.shutdown)
        await asyncio.to_thread(self._writer.shutdown)

    async def look(self) -> None:
        """The file has changed: tell those who wait for what it holds now."""
        self._wake()

    async def _in_executor(self, call: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._reader, call)

    async def _in_thread(self, thread: ThreadPoolExecutor, call: Callable[..., Answer], *args: object) -> Answer:
        """The answer of a call on the file that is there now; damage that it meets is marked before it is raised."""

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
        """Say to the process that keeps the file that it is damaged, unless it has begun another one."""
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
        """Open the file that is there now; False where that cannot be done, for a reason that is noted. In the reading
        thread.
        """
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
            told = read_meta(self._reading)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._reason = str(error)
            self._let_go()
            return False
        self._watch, self._seen, self._version = watch, None, 0
        self._note(told)
        self._look_anew(self._reading, -1)
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
    def _moment(self, held: Callable[[], Held]) -> Iterator[tuple[sqlite3.Connection, tuple[int, ...], Held]]:
        db = self._reading
        db.execute("BEGIN")
        try:
            (version,) = db.execute("PRAGMA data_version").fetchone()  # and the transaction sees the file as of now
            if version != self._seen:
                self._seen = None
                told = read_meta(db)
                self._look_anew(db, told.began)
                self._stood, self._seen = told.applied, version
            yield db, self._stood, held()
        finally:
            with suppress(sqlite3.Error):  # the first error speaks
                db.execute("COMMIT")

    def _look_anew(self, db: sqlite3.Connection, began: int) -> None:
        """The file has changed since the last read transaction; ``began`` is when it was last emptied."""

    def _note(self, told: Meta) -> None:
        self._applied, self._fresh, self._began, self._at_end = told

    def _check(self) -> None:
        """Note what the file says, if it has changed since this was last asked. Only here: what a read transaction
        sees may be older than what was noted meanwhile. A file that is damaged, or was replaced, is not caught up.
        """
        if self._inode is None or self._is_replaced():
            self._at_end = False  # until a question, or whoever waits, has attached the new one
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
        """Look for the new file, at most every tenth of a second."""
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
        """While entered, changes of the file are noticed."""
        self._watchers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch_file())
        try:
            yield
        finally:
            self._watchers -= 1

    async def _watch_file(self) -> None:
        told = None
        while self._watchers:
            self._check()
            if self._version != told:  # whoever noticed it first
                told = self._version
                await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        self._check()
        if holds():  # nearly always: whoever comes back stands where this view stands
            return True
        with self._watched():
            return await super()._until(holds, seconds)


class FollowedOffers(Follower, OfferView):
    """The offers, as another process keeps them."""

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._recent: RecentOffsets | None = None
        self._recent_began = 0

    def _look_anew(self, db: sqlite3.Connection, began: int) -> None:
        self._settled = self._has_settled(db)
        if began < 0:  # another file: read when it is asked
            self._recent = None
        elif self._recent is None or began != self._recent_began or not self._recent.catch_up(db):
            self._recent, self._recent_began = RecentOffsets.load(db), began

    def _held(self) -> Index:
        return EMPTY if self._recent is None else self._recent.index


class FollowedDeliveries(Follower, DeliveryView):
    """The deliveries, as another process keeps them."""


class FollowedRuns(Follower, RunView):
    """The runs, as another process keeps them."""


class FollowedReceipts(Follower, ReceiptView):
    """The receipts, as another process keeps them."""

    async def wait(self, receipt_id: str, timeout: float) -> dict[str, object] | None:  # noqa: ASYNC109  # as ReceiptView
        """The receipt as soon as it is there; None after ``timeout`` seconds."""
        with self._watched():
            return await super().wait(receipt_id, timeout)

    async def look(self) -> None:
        """Wake those whose receipt has come."""
        self._wake()
        if self._waiting:
            for receipt_id in await self._in_reader(self._known, list(self._waiting)):
                self._call(receipt_id)

    def _known(self, receipt_ids: Sequence[str]) -> list[str]:
        row = self._reading.execute(_KNOWN, (orjson.dumps(receipt_ids).decode(),)).fetchone()
        known: list[str] = orjson.loads(row[0])
        return known
