"""The file of a local copy: SQLite tables built from the log, on disk so that a million offers cost no memory."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from gateway import clock
from gateway.runtime.checked_file import Boot, FileMarks, Looks, marker, report_damage, reported_damage
from gateway.runtime.sqlite_damage import (
    ChecksumError,
    DamagedCopyError,
    Tables,
    check_copy,
    checksum,
    copy_error,
    refuse_folder,
    register,
    remove,
    using_copy,
)

PUT_META = "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)"
_META = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER) WITHOUT ROWID;"
META_TABLE = {"meta": ("name", "value")}
_CHECKED = "checked"

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # after a crash: consistent, at most behind the log
    "PRAGMA secure_delete = OFF",  # some builds overwrite deleted pages, at half the speed
)

_logger = structlog.get_logger()


def _autocommitting(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)


class CopyFile:
    """One file that belongs to one log, by its identity, in one format: the table ``meta`` holds both as ``about``. A
    file that is damaged, or belongs to another log or format, is removed, and its owner fills a new one from the log.

    Once damage is found, every use within ``guarded`` fails until ``remove``: no decision uses a copy with a part
    missing.
    """

    def __init__(  # by name
        self,
        path: Path,
        *,
        about: Mapping[str, str],
        layout: str,
        tables: Tables,
        pragmas: Sequence[str] = (),
        connect: Callable[[Path], sqlite3.Connection] = _autocommitting,
        boot: Boot = clock.boot,
    ) -> None:
        self.path = path
        self._damage: DamagedCopyError | None = None
        self._looks = Looks(path)
        self._marks = FileMarks(path, boot)
        self._about = about
        self._layout = layout
        self._tables = tables
        self._pragmas = (*_PRAGMAS, *pragmas)
        self._connect = connect

    def open(self) -> sqlite3.Connection:
        """Open the file and return a connection; create the file where none of this log and format exists. Raises
        LogUnavailableError for a full or failing disk.
        """
        with using_copy(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with using_copy(self.path):
                    reason = reported_damage(self.path)
                    if reason is not None:
                        raise ChecksumError(f"it was found damaged: {reason}")
                    refuse_folder(self.path)
                    return self._checked()
            except DamagedCopyError as error:
                _logger.warning("copy.rebuilt", file=str(self.path), reason=str(error))
                self.remove()
                return self._checked()

    def connect(self) -> sqlite3.Connection:
        """Return a further connection to the open file. Raises sqlite3.Error."""
        database = self._connect(self.path)
        try:
            register(database)
            for pragma in self._pragmas:
                database.execute(pragma)
        except BaseException:
            database.close()
            raise
        return database

    def remove(self) -> None:
        """Delete the file, whose connections must be closed. Raises LogUnavailableError."""
        with using_copy(self.path):
            remove(self.path)
            marker(self.path).unlink(missing_ok=True)
        self._damage = None

    @property
    def damage(self) -> DamagedCopyError | None:
        """The damage found since the file was last created, by any process; None without any."""
        if self._damage is None:
            reason = self._looks.reason()
            if reason is not None:
                self._damage = DamagedCopyError(self.path, reason)
        return self._damage

    def close(self, database: sqlite3.Connection) -> None:
        """Close the last connection of the process that writes the file, which a clean stop marks; damage is found
        again at the next start. Raises LogUnavailableError.
        """
        with using_copy(self.path):
            with closing(database):
                stopped = None if self.damage is not None else self._marks.stopped()
                if stopped is not None:
                    database.rollback()
                    self._put_mark(database, stopped[0])
                    database.commit()
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if stopped is not None:
                self._marks.set_written(stopped[1])

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Guard one use of the file. Raises DamagedCopyError for damage found now or earlier; LogUnavailableError for a
        full or failing disk.
        """
        self.require_whole()
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            failure = copy_error(self.path, error)
            if failure is None:
                raise
            raise self.noted(failure) from error
        except DamagedCopyError as error:
            raise self.noted(error) from error.__cause__

    def noted(self, failure: Exception) -> Exception:
        """Return the failure; damage is also recorded, so that later uses fail."""
        if isinstance(failure, DamagedCopyError):
            self._damage = failure
            report_damage(self.path, failure.reason)
        return failure

    def require_whole(self) -> None:
        """Raises DamagedCopyError once damage was found."""
        damage = self.damage
        if damage is not None:
            raise damage

    def rebuilt(self) -> None:
        """Log that the file is rebuilt because of its damage."""
        _logger.warning("copy.rebuilt", file=str(self.path), reason=str(self.damage))

    def belongs(self, database: sqlite3.Connection) -> bool:
        """Whether the file on this connection is a copy of this log in this format. Raises sqlite3.Error."""
        found = dict(database.execute("SELECT name, value FROM meta").fetchall())
        return self._about.items() <= found.items()

    def describe(self, database: sqlite3.Connection) -> None:
        """Write the identity of the log and the format to ``meta``, and the mark of a file in use; within the caller's
        transaction.
        """
        database.executemany(PUT_META, [(*row, checksum(*row)) for row in self._about.items()])
        self._put_mark(database, self._marks.used)

    def _checked(self) -> sqlite3.Connection:
        database = self.connect()
        try:
            if database.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                database.executescript("BEGIN;" + _META + self._layout)
                self.describe(database)
                database.execute("COMMIT")
            elif not self.belongs(database):
                raise ChecksumError("a copy of another log, or of another version of the gateway")  # noqa: TRY301
            else:
                self._check(database)
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, database: sqlite3.Connection) -> None:
        """Check the file unless its mark is valid, and mark it as in use."""
        row = database.execute("SELECT value FROM meta WHERE name = ?", (_CHECKED,)).fetchone()
        if row is None or row[0] not in self._marks.valid:
            check_copy(database, self.path, {**META_TABLE, **self._tables})
        if row is None or row[0] != self._marks.used:
            self._put_mark(database, self._marks.used)
            database.commit()

    def _put_mark(self, database: sqlite3.Connection, mark: str | None) -> None:
        if mark is not None:
            database.execute(PUT_META, (_CHECKED, mark, checksum(_CHECKED, mark)))
