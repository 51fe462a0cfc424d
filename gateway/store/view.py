"""The base class of views: queries of one local copy of a topic, which this process updates or follows."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from gateway.log.port import Chunk
from gateway.runtime.sqlite_damage import DamagedCopyError, Tables
from gateway.store.copy_file import CopyFile
from gateway.store.followed_copy import FollowedCopy
from gateway.store.updated_copy import POSITIONS, POSITIONS_TABLE, UpdatedCopy, positions_of

_PRAGMAS = (
    "PRAGMA cache_size = -16384",
    "PRAGMA wal_autocheckpoint = 0",  # a separate step, so that no reader waits for it
    "PRAGMA temp_store = MEMORY",
)


class View:
    """A local copy of one topic, open for queries. One process of the machine updates it (``open``), the others follow
    it (``follow``) and answer alike.

    The file belongs to one log in one format: the table ``meta`` holds the log's identity, its partition count and the
    format's number, and any difference (or a damaged file) empties it. Nothing per record is kept in Python.
    """

    FORMAT: ClassVar[int]
    SCHEMA: ClassVar[str]
    TABLES: ClassVar[Tables]
    """By table the columns that its column ``sum`` is the checksum of."""

    def __init__(self, path: Path, *, log_identity: str, partitions: int, follow: bool) -> None:
        file = CopyFile(
            path,
            about={"log": log_identity, "partitions": str(partitions), "format": str(self.FORMAT)},
            layout=POSITIONS + self.SCHEMA + positions_of(partitions),
            tables={**POSITIONS_TABLE, **self.TABLES},
            pragmas=_PRAGMAS,
        )
        self.copy: UpdatedCopy | FollowedCopy = (
            FollowedCopy(file, self) if follow else UpdatedCopy(file, self, partitions=partitions)
        )

    @classmethod
    async def open(cls, path: Path, *, log_identity: str, partitions: int) -> Self:
        """Open or create the file, to be updated by this process. Everything applied before a crash or a stop is kept,
        with its positions. Raises LogUnavailableError.
        """
        view = cls(path, log_identity=log_identity, partitions=partitions, follow=False)
        await view.copy.open()
        return view

    @classmethod
    async def follow(cls, path: Path, *, log_identity: str, partitions: int) -> Self:
        """Open the file that another process updates. Raises LogUnavailableError when it is missing, or belongs to
        another log.
        """
        view = cls(path, log_identity=log_identity, partitions=partitions, follow=True)
        await view.copy.open()
        return view

    @property
    def positions(self) -> tuple[int, ...]:
        """Per partition the next offset to read: everything before it has been applied."""
        return self.copy.positions

    @property
    def fresh(self) -> int:
        """The last time at which the view was at the end of the log (ms since 1970); 0: never yet."""
        return self.copy.fresh

    @property
    def began(self) -> int:
        """The last time at which it was emptied (ms since 1970); 0: never since it was created."""
        return self.copy.began

    @property
    def caught_up(self) -> bool:
        """Whether it has reached, since it was opened by the updating process, the end that the log had then."""
        return self.copy.caught_up

    async def reached(self, vector: Sequence[int], timeout: float) -> bool:  # noqa: ASYNC109  # an answer, not an error
        """Wait until everything before these positions has been applied; False after ``timeout`` seconds."""
        return await self.copy.until(lambda: all(a >= b for a, b in zip(self.positions, vector, strict=True)), timeout)

    async def moved(self, positions: Sequence[int], timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until some partition is beyond its position; False after ``timeout`` seconds."""
        return await self.copy.until(
            lambda: any(a > b for a, b in zip(self.positions, positions, strict=True)), timeout
        )

    async def close(self) -> None:
        """Finish the running work, then close the file."""
        await self.copy.close()

    # Of the updating process only.

    @property
    def updated(self) -> UpdatedCopy:
        """The copy that this process updates. Raises TypeError for a follower."""
        if isinstance(self.copy, FollowedCopy):
            raise TypeError("a follower does not update its view")
        return self.copy

    @property
    def damage(self) -> DamagedCopyError | None:
        """The damage found since the file was last created, by this process or a follower; None without any."""
        return self.updated.damage

    async def apply(self, chunks: Sequence[Chunk]) -> None:
        """Apply chunks of the topic. Records that were applied before are skipped."""
        await self.updated.apply(chunks)

    async def wipe(self, starts: Sequence[int], now: int) -> None:
        """Delete all rows and set these positions, to be filled again from ``now`` (ms) on."""
        await self.updated.wipe(starts, now)

    async def settle(self) -> None:
        """Build the indexes that are cheaper to build at once, after the view has been filled. Idempotent."""

    async def trim(self, starts: Sequence[int], now: int) -> None:
        """Delete rows that the log no longer holds, where the view's topic has a retention; ``now`` in ms."""

    def opened(self, db: sqlite3.Connection) -> None:
        """As ``CopyContent.opened``."""

    def write(self, db: sqlite3.Connection, chunks: Sequence[Chunk], applied: Sequence[int]) -> None:
        """As ``CopyContent.write``."""
        raise NotImplementedError

    def committed(self) -> None:
        """As ``CopyContent.committed``."""

    # Of a follower only.

    def changed(self, db: sqlite3.Connection, began: int) -> None:
        """As ``FollowedContent.changed``."""

    async def noticed(self) -> None:
        """As ``FollowedContent.noticed``."""
