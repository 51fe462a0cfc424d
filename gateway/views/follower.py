"""Followers: views that another process keeps on the same machine, asked the same questions from its files.

The process that keeps a view writes it and says in its file how far it has come; a follower opens that file to read
only, and sees each step within 10 milliseconds.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import orjson

from gateway.ports import LogUnavailableError
from gateway.views.deliveries import DeliveryView
from gateway.views.facet_index import Tail
from gateway.views.followed_tails import FollowedTails
from gateway.views.offers import OfferView
from gateway.views.receipts import ReceiptView
from gateway.views.runs import RunView
from gateway.views.view import Held, View

_EVERY_SECONDS = 0.01
_APPLIED = "SELECT position FROM positions ORDER BY partition"
_NOTES = "SELECT name, value FROM meta"
_KNOWN = "SELECT json_group_array(receipt) FROM receipts WHERE receipt IN (SELECT value FROM json_each(?))"


class Follower(View):
    """What every follower does instead of keeping a file. Put before the kind of view that it follows."""

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._connections: list[sqlite3.Connection] = []
        self._version = 0
        self._seen: int | None = None
        self._stood: tuple[int, ...] = ()
        self._watchers = 0
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, log_identity: str, partitions: int) -> Self:
        """Open the file of a view that is kept. Raises LogUnavailableError when it is missing, or another log's."""
        view = cls(path, log_identity=log_identity, partitions=partitions)
        try:
            await view._in_reader(view._attach)
        except sqlite3.Error as error:
            view._let_go()
            raise LogUnavailableError(
                f"The view {path} cannot be followed ({error}): is its gateway running?"
            ) from error
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
        await self._in_reader(self._let_go)
        await asyncio.to_thread(self._reader.shutdown)
        await asyncio.to_thread(self._writer.shutdown)

    async def look(self) -> None:
        """The file has changed: tell those who wait for what it holds now."""
        self._wake()

    def _attach(self) -> None:
        self._reading, self._watch = self._follow(), self._follow()
        stored = dict(self._reading.execute(_NOTES))
        if any(stored.get(name) != value for name, value in self._meta.items()):
            self._let_go()
            raise LogUnavailableError(f"The view {self._path} belongs to another log or another version.")
        self._note(_told(self._reading))

    def _let_go(self) -> None:
        while self._connections:
            self._connections.pop().close()

    def _follow(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        self._connections.append(connection)
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
                told = _told(db)
                self._look_anew(db, told.began)
                self._stood, self._seen = told.applied, version
            yield db, self._stood, held()
        finally:
            db.execute("COMMIT")

    def _look_anew(self, db: sqlite3.Connection, began: int) -> None:
        """The file has changed since the last read transaction; ``began`` is when it was last emptied."""

    def _note(self, told: "_Told") -> None:
        self._applied, self._fresh, self._began, self._at_end = told

    def _check(self) -> None:
        """Note what the file says, if it has changed since this was last asked. Only here: what a read transaction
        sees may be older than what was noted meanwhile.
        """
        if not self._connections:
            return  # not attached yet, or let go
        (version,) = self._watch.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._note(_told(self._watch))

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


class _Told(NamedTuple):
    """What the file says of itself: positions, when it was fresh, when it was emptied, whether it has caught up."""

    applied: tuple[int, ...]
    fresh: int
    began: int
    caught_up: bool


def _told(db: sqlite3.Connection) -> _Told:
    notes = dict(db.execute(_NOTES).fetchall())
    applied = tuple(position for (position,) in db.execute(_APPLIED).fetchall())
    return _Told(applied, int(notes.get("fresh", 0)), int(notes.get("began", 0)), notes.get("caught_up") == "1")


class FollowedOffers(Follower, OfferView):
    """The offers, as another process keeps them."""

    def __init__(self, path: Path, *, log_identity: str, partitions: int) -> None:
        super().__init__(path, log_identity=log_identity, partitions=partitions)
        self._newest = FollowedTails(partitions, self._finds_from)

    def _look_anew(self, db: sqlite3.Connection, began: int) -> None:
        self._settled = self._has_settled(db)
        self._newest.begin(db, began)

    def _tails(self) -> Sequence[Tail]:
        return self._newest


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
