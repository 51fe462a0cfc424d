"""Local copies: SQLite tables made from the log, on disk so that a million offers cost no memory."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from gateway.disk import writing_copy

_ABOUT = "CREATE TABLE about (log TEXT, format INTEGER);"


class _CopyConnection(sqlite3.Connection):
    """A connection to a local copy: a full or failing disk raises LogUnavailableError in every statement, since SQLite
    writes to the disk in any of them once its cache is full.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._path = path

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As ``sqlite3.Connection.execute``."""
        with writing_copy(self._path):
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """As ``sqlite3.Connection.executemany``."""
        with writing_copy(self._path):
            return super().executemany(sql, parameters)

    def commit(self) -> None:
        """As ``sqlite3.Connection.commit``."""
        with writing_copy(self._path):
            super().commit()


class LocalCopy:
    """A file that belongs to one log, by its identity, in one format. One that is damaged or belongs to another is
    thrown away: whoever fills it begins again from the log. A subclass gives the format's number and its tables.
    """

    FORMAT: ClassVar[int]
    LAYOUT: ClassVar[str]

    def __init__(self, path: Path, *, log: str) -> None:
        self._path = path
        self._log = log
        self._db = self._open()

    def drop(self) -> None:
        """Forget what was changed since the last commit."""
        self._db.rollback()

    def clear(self) -> None:
        """Start from nothing: the log no longer is what this was made from."""
        self._db.close()
        self._delete()
        self._db = self._open()

    def close(self) -> None:
        """Free the file."""
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with writing_copy(self._path):
            try:
                return self._connect()
            except sqlite3.OperationalError:  # locked, or no right to open it: it may be somebody's
                raise
            except sqlite3.DatabaseError:
                self._delete()
                return self._connect()

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, check_same_thread=False, factory=_CopyConnection)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")  # after a crash: consistent, at most behind
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone() is None:
                database.executescript("BEGIN;" + self.LAYOUT + _ABOUT)
                database.execute("INSERT INTO about VALUES (?, ?)", (self._log, self.FORMAT))
                database.commit()
            found = database.execute("SELECT log, format FROM about").fetchone()
            if found != (self._log, self.FORMAT):
                raise sqlite3.DatabaseError(f"{self._path} is a copy of another log")  # noqa: TRY301
        except BaseException:
            database.close()
            raise
        return database

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
