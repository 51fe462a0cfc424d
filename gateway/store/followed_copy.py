"""The copy behind a view in every other process of the machine: the file that the updating process writes, read-only.

The process that updates a view records its progress in the file; a follower sees each step within 10 milliseconds.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar

import structlog

from gateway.errors import LogUnavailableError
from gateway.runtime.checked_file import marker, report_damage
from gateway.runtime.loop import Signal, stop, timed
from gateway.runtime.sqlite_damage import DamagedCopyError, is_damage, register, using_copy
from gateway.store.copy_file import CopyFile
from gateway.store.updated_copy import Held, Meta, read_meta

_EVERY_SECONDS = 0.01
_ATTACH_SECONDS = 0.1

Answer = TypeVar("Answer")

_logger = structlog.get_logger()


class FollowedContent(Protocol):
    """The content that a follower derives from the tables in memory."""

    def changed(self, db: sqlite3.Connection, began: int) -> None:
        """The file has changed since the last read transaction; ``began`` is when it was last emptied, -1 for another
        file. Called in the reading thread; within the read transaction, except for another file.
        """

    async def noticed(self) -> None:
        """The file has changed, and the copy is watched. Called in the event loop; again after LogUnavailableError."""


class FollowedCopy:
    """A damaged file is rebuilt by the process that updates it; a follower that finds the damage marks the file, and
    refuses readers until a new file exists.
    """

    def __init__(self, file: CopyFile, content: FollowedContent) -> None:
        self._file = file
        self._path = file.path
        self._content = content
        self._reader = ThreadPoolExecutor(1, thread_name_prefix=f"read-{file.path.stem}")
        self._connections: list[sqlite3.Connection] = []
        self._inode: int | None = None
        """The inode of the attached file; None while none is attached."""
        self._version = 0
        self._meta = Meta((), 0, 0, caught_up=False)
        self._seen: int | None = None
        self._seen_positions: tuple[int, ...] = ()
        self._reason = ""
        self._attached_at = 0.0
        self._changed = Signal()
        self._watchers = 0
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the file. Raises LogUnavailableError when it is missing, or belongs to another log."""
        if not await self._in_executor(self._attach):
            raise LogUnavailableError(
                f"The view {self._path} cannot be followed ({self._reason}): is its gateway running?"
            )

    @property
    def positions(self) -> tuple[int, ...]:
        """Per partition the next offset to read, as now recorded in the file."""
        return self._now().applied

    @property
    def caught_up(self) -> bool:
        """Whether the view has reached the end that its log had at the start, as now recorded in the file."""
        return self._now().caught_up

    @property
    def fresh(self) -> int:
        """The last time at which the view was at the end of the log (ms since 1970), as now recorded in the file."""
        return self._now().fresh

    @property
    def began(self) -> int:
        """The last time at which the view was emptied (ms since 1970), as now recorded in the file."""
        return self._now().began

    async def read(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run a query on the present file, in the reading thread. Damage is marked, then raised as DamagedCopyError."""

        def attached() -> Answer:
            if self._is_replaced() and not self._attach():
                raise LogUnavailableError(f"The view {self._path} cannot be followed ({self._reason}).")
            with using_copy(self._path):
                return query(self._reading)

        try:
            return await self._in_executor(timed(attached))
        except DamagedCopyError as error:
            self._mark(error.reason)
            raise

    @contextmanager
    def transaction(self, db: sqlite3.Connection, held: Callable[[], Held]) -> Iterator[tuple[tuple[int, ...], Held]]:
        """A read transaction, in the reading thread: the positions and the state in memory (``held``) that belong to
        it.
        """
        db.execute("BEGIN")
        try:
            (version,) = db.execute(
                "PRAGMA data_version"
            ).fetchone()  # the first read: fixes the state that the transaction sees
            if version != self._seen:
                self._seen = None
                meta = read_meta(db)
                self._content.changed(db, meta.began)
                self._seen_positions, self._seen = meta.applied, version
            yield self._seen_positions, held()
        finally:
            with suppress(sqlite3.Error):  # the first error is raised
                db.execute("COMMIT")

    async def until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds, which is checked after each change of the copy; False when time is up first."""
        if holds():  # nearly always: a returning reader is at the positions of this view
            return True
        with self.watched():
            return await self._changed.until(holds, seconds)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the file for changes while the context is entered."""
        self._watchers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch_file())
        try:
            yield
        finally:
            self._watchers -= 1

    async def close(self) -> None:
        """Close the file."""
        if self._watching is not None:
            await stop([self._watching])
        await self._in_executor(self._detach)
        await asyncio.to_thread(self._reader.shutdown)

    async def _watch_file(self) -> None:
        woken: int | None = None
        while self._watchers:
            self._check()
            if self._version != woken:  # also where another caller noticed the change first
                woken = self._version
                self._changed.give()
                try:
                    await self._content.noticed()
                except LogUnavailableError:  # a file that is being replaced, or a failing disk
                    woken = None
            await asyncio.sleep(_EVERY_SECONDS)

    def _in_executor(self, call: Callable[[], Answer]) -> Awaitable[Answer]:
        return asyncio.get_running_loop().run_in_executor(self._reader, call)

    def _now(self) -> Meta:
        self._check()
        return self._meta

    def _check(self) -> None:
        """Read the metadata of the file, if it has changed since the last check. Only here: a read transaction may see
        an older state than the one already noted. A file that is damaged, or was replaced, is not caught up.
        """
        if self._inode is None or self._is_replaced():
            self._set_behind()  # until a query or a waiting caller attaches the new file
            self._attach_soon()
            return
        try:
            (version,) = self._watch.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._version = version
                self._meta = read_meta(self._watch)
        except sqlite3.ProgrammingError:  # closed by the reading thread, which attaches another file
            self._set_behind()
        except (sqlite3.Error, ValueError) as error:
            self._set_behind()
            if is_damage(error):
                self._mark(str(error))

    def _set_behind(self) -> None:
        self._meta = self._meta._replace(caught_up=False)

    def _mark(self, reason: str) -> None:
        """Report damage to the process that updates the file, unless that has already begun another one."""
        if not self._is_replaced() and not marker(self._path).exists():
            _logger.warning("view.damaged", file=str(self._path), reason=reason)
            report_damage(self._path, reason)
        self._inode = None
        self._set_behind()

    def _is_replaced(self) -> bool:
        try:
            return self._inode != self._path.stat().st_ino
        except OSError:
            return True

    def _attach(self) -> bool:
        """Open the present file, in the reading thread. False where that fails, with the reason in ``_reason``."""
        self._detach()
        if marker(self._path).exists():
            self._reason = "it is damaged, and has not been rebuilt yet"
            return False
        try:
            inode = self._path.stat().st_ino
            self._reading, watch = self._connect(), self._connect()
            if not self._file.belongs(self._reading):
                self._reason = "it belongs to another log or another version"
                self._detach()
                return False
            meta = read_meta(self._reading)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._reason = str(error)
            self._detach()
            return False
        self._watch, self._seen, self._version, self._meta = watch, None, 0, meta
        self._content.changed(self._reading, -1)
        self._inode = inode
        return True

    def _detach(self) -> None:
        self._inode = None
        while self._connections:
            self._connections.pop().close()

    def _connect(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        self._connections.append(connection)
        register(connection)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA cache_size = -16384")
        return connection

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
