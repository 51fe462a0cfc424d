"""Local copies: SQLite tables made from the log, on disk so that a million offers cost no memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import structlog

from gateway.damage import (
    ChecksumError,
    DamagedCopyError,
    Tables,
    check_copy,
    copy_error,
    passing_outages,
    refuse_folder,
    register,
    remove,
    using_copy,
)

_ABOUT = "CREATE TABLE about (log TEXT, format INTEGER);"

_logger = structlog.get_logger()


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
    """A file that belongs to one log, by its identity, in one format. One that is damaged or belongs to another is
    removed, and its owner fills it again from the log. A subclass gives the format's number, its tables, and the
    columns of each that its column ``sum`` is the checksum of.

    Its owner works within ``guarded``. Once damage was found every use fails until ``mend``: nothing is decided by a
    copy of which a part is missing.
    """

    FORMAT: ClassVar[int]
    LAYOUT: ClassVar[str]
    TABLES: ClassVar[Tables] = {}

    def __init__(self, path: Path, *, log: str) -> None:
        self._path = path
        self._log = log
        self._damage: DamagedCopyError | None = None
        self._db = self._open()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """While the copy is used. Raises DamagedCopyError for damage that is found or was found before;
        LogUnavailableError for a full or failing disk.
        """
        self.require_whole()
        try:
            yield
        except sqlite3.Error as error:
            failure = copy_error(self._path, error)
            if failure is None:
                raise
            if isinstance(failure, DamagedCopyError):
                self._damage = failure
            raise failure from error

    def require_whole(self) -> None:
        """Raises DamagedCopyError once damage was found."""
        if self._damage is not None:
            raise self._damage

    def mend(self) -> None:
        """Remove a copy in which damage was found, and start from nothing. Raises LogUnavailableError."""
        if self._damage is not None:
            _logger.warning("copy.rebuilt", file=str(self._path), reason=str(self._damage))
            self.clear()

    def drop(self) -> None:
        """Forget what was changed since the last commit."""
        try:
            self._db.rollback()
        except sqlite3.Error as error:
            failure = copy_error(self._path, error)
            if not isinstance(failure, DamagedCopyError):
                raise failure or error from error
            self._damage = failure

    def clear(self) -> None:
        """Start from nothing: the log no longer is what this was made from."""
        self._db.close()
        with using_copy(self._path):
            remove(self._path)
        self._db = self._open()
        self._damage = None

    def close(self) -> None:
        """Free the file."""
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        with using_copy(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with using_copy(self._path):
                    refuse_folder(self._path)
                    return self._connect()
            except DamagedCopyError as error:
                _logger.warning("copy.rebuilt", file=str(self._path), reason=str(error))
                remove(self._path)
                return self._connect()

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, check_same_thread=False, factory=_CopyConnection)
        try:
            register(database)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")  # after a crash: consistent, at most behind
            if database.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                database.executescript("BEGIN;" + self.LAYOUT + _ABOUT)
                database.execute("INSERT INTO about VALUES (?, ?)", (self._log, self.FORMAT))
                database.commit()
            found = database.execute("SELECT log, format FROM about").fetchone()
            if found != (self._log, self.FORMAT):
                raise ChecksumError("a copy of another log, or of another version of the gateway")  # noqa: TRY301
            check_copy(database, self._path, self.TABLES)
        except BaseException:
            database.close()
            raise
        return database
