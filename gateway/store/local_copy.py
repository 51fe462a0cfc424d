"""Local copies that one owner reads and writes on one connection, in one thread at a time."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, ClassVar

from gateway.errors import LogUnavailableError
from gateway.runtime.sqlite_damage import (
    DamagedCopyError,
    Tables,
    copy_error,
    passing_outages,
)
from gateway.store.copy_file import CopyFile


class _CopyConnection(sqlite3.Connection):
    """A connection to a local copy: a full or failing disk raises LogUnavailableError in every statement, since SQLite
    writes to the disk in any of them once its cache is full. Damage stays SQLite's error, for ``LocalCopy.guarded``.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._path = path

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As ``sqlite3.Connection.execute``."""
        with passing_outages(self._path):
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """As ``sqlite3.Connection.executemany``."""
        with passing_outages(self._path):
            return super().executemany(sql, parameters)

    def commit(self) -> None:
        """As ``sqlite3.Connection.commit``."""
        with passing_outages(self._path):
            super().commit()


class LocalCopy:
    """A local copy with one owner, which works within ``guarded``; after damage every use fails until ``mend``.

    A subclass gives the format's number, its tables, and by table the columns that its column ``sum`` is the checksum
    of.
    """

    FORMAT: ClassVar[int]
    LAYOUT: ClassVar[str]
    TABLES: ClassVar[Tables] = {}
    PRAGMAS: ClassVar[Sequence[str]] = ()

    def __init__(self, path: Path, *, log: str) -> None:
        self._path = path
        self._file = CopyFile(
            path,
            about={"log": log, "format": str(self.FORMAT)},
            layout=self.LAYOUT,
            tables=self.TABLES,
            pragmas=self.PRAGMAS,
            connect=_transacting,
        )
        self._db = self._file.open()

    def guarded(self) -> AbstractContextManager[None]:
        """Guard one use of the copy. Raises DamagedCopyError for damage found now or earlier; LogUnavailableError for a
        full or failing disk.
        """
        return self._file.guarded()

    def require_whole(self) -> None:
        """Raises DamagedCopyError once damage was found."""
        self._file.require_whole()

    def mend(self) -> None:
        """Replace a damaged copy with an empty one. Raises LogUnavailableError."""
        if self._file.damage is not None:
            self._file.rebuilt()
            self.clear()

    def drop(self) -> None:
        """Roll back the changes since the last commit."""
        try:
            self._db.rollback()
        except sqlite3.Error as error:
            failure = self._file.noted(copy_error(self._path, error) or error)
            if not isinstance(failure, DamagedCopyError):
                raise failure from error

    def clear(self) -> None:
        """Replace the copy with an empty one, when it no longer matches the log."""
        self._db.close()
        self._file.remove()
        self._db = self._file.open()

    def close(self) -> None:
        """Close the file."""
        with suppress(LogUnavailableError):  # the next start checks it
            self._file.close(self._db)


def _transacting(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, check_same_thread=False, factory=_CopyConnection)
