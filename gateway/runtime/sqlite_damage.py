"""Damage in a local copy: how it is recognised, and how the file is removed so that the log can fill a new one.

A full disk, a lock or missing rights are no damage: the file may be sound, and the failure may pass.
"""

import errno
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gateway.errors import LogUnavailableError
from gateway.runtime.row_checksum import checksum

CHECKED_BYTES = 64 * 1_048_576
"""Files up to this size are checked whole when they are opened: about a second."""
_QUICK_SECONDS = 3.0
_PASSING = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_SHORT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_SUFFIXES = ("", "-wal", "-shm", "-journal")

Tables = Mapping[str, Sequence[str] | str]
"""By table the columns that its column ``sum`` is the checksum of, or the SQL expression that gives it."""


class DamagedCopyError(LogUnavailableError):
    """A local copy is damaged; it is rebuilt from the log. The message names the file."""


class ChecksumError(sqlite3.DatabaseError):
    """A stored row is not what was written."""


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the SQL functions ``checksum(column, …)`` and ``whole(sum, column, …)``.

    The second is 1, or fails the statement when the checksum is another one.
    """
    connection.create_function("checksum", -1, checksum, deterministic=True)
    connection.create_function("whole", -1, _whole, deterministic=True)


def require(stored: object, *columns: object) -> None:
    """Compare the checksum of a row that was read. Raises ChecksumError."""
    if stored != checksum(*columns):
        raise ChecksumError(f"the checksum of a row does not match (key {str(columns[0])[:80]!r})")


def is_damage(error: BaseException) -> bool:
    """Whether an error of reading or writing a copy means that its file is damaged."""
    if isinstance(error, sqlite3.ProgrammingError):
        return False  # a closed connection, a wrong call
    if isinstance(error, sqlite3.DatabaseError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _PASSING
    return False


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that the machine lacks something for now: space on a disk, file descriptors, memory."""
    if isinstance(error, sqlite3.OperationalError):
        return not is_damage(error)
    return isinstance(error, OSError) and error.errno in _SHORT


def copy_error(path: Path, error: Exception) -> LogUnavailableError | None:
    """What a failure of SQLite or of the file system means for the caller of a local copy:
    DamagedCopyError, or LogUnavailableError for what may pass (the log still has the rest). None: something else.
    """
    if is_damage(error):
        return DamagedCopyError(f"The local copy {path} is damaged ({error}); it is rebuilt from the log.")
    if isinstance(error, sqlite3.ProgrammingError) or not isinstance(error, sqlite3.Error | OSError):
        return None
    return LogUnavailableError(
        f"The local copy {path} cannot be used ({error}): free space on its disk, and check the folder's rights."
    )


@contextmanager
def using_copy(path: Path) -> Iterator[None]:
    """While a local copy is read or written. Raises LogUnavailableError, as ``copy_error`` says."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        failure = copy_error(path, error)
        if failure is None:
            raise
        raise failure from error


@contextmanager
def passing_outages(path: Path) -> Iterator[None]:
    """While a statement runs on a local copy. Raises LogUnavailableError for what may pass; damage stays as it is."""
    try:
        yield
    except sqlite3.OperationalError as error:
        interrupted = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        failure = copy_error(path, error) if is_shortage(error) and not interrupted else None
        if failure is None:
            raise
        raise failure from error


def remove(path: Path) -> None:
    """Remove a copy with its write-ahead log. A folder of that name is moved aside, since it may be somebody's."""
    for suffix in _SUFFIXES:
        one = path.with_name(path.name + suffix)
        if one.is_dir() and not one.is_symlink():
            one.rename(one.with_name(f"{one.name}.aside-{time.time_ns()}"))
        else:
            one.unlink(missing_ok=True)


def refuse_folder(path: Path) -> None:
    """SQLite only says that it cannot open a folder, as it says of many things. Raises ChecksumError."""
    for suffix in _SUFFIXES:
        if path.with_name(path.name + suffix).is_dir():
            raise ChecksumError("a folder has its name")


def require_missing(db: sqlite3.Connection, table: str, column: str, value: str) -> None:
    """Examine the index of a unique column around a value that it does not have, and the rows that it names there: a
    damaged entry hides its row, or leads away from others, and stands beside the place that was searched. Raises
    sqlite3.DatabaseError.
    """
    for side, order in (("<", "DESC"), (">", "ASC")):
        beside = f"SELECT rowid, {column} FROM {table} WHERE {column} {side} ? ORDER BY {column} {order} LIMIT 1"  # noqa: S608  # our own names
        for place, named in db.execute(beside, (value,)).fetchall():
            row = db.execute(f"SELECT {column} FROM {table} NOT INDEXED WHERE rowid = ?", (place,)).fetchone()  # noqa: S608  # same
            if row != (named,):
                raise ChecksumError(f"an index names a row of the table {table} that is another one ({named!r})")


def check_copy(connection: sqlite3.Connection, path: Path, tables: Tables) -> None:
    """Check a copy that is being opened: whole up to ``CHECKED_BYTES``, else the shape of its pages for some seconds.
    Raises sqlite3.DatabaseError.
    """
    with suppress(FileNotFoundError):
        if sum(path.with_name(path.name + suffix).stat().st_size for suffix in ("", "-wal")) > CHECKED_BYTES:
            check_pages(connection, seconds=_QUICK_SECONDS)
            return
    check_pages(connection)
    check_rows(connection, tables)


def examine_copy(path: Path, *, seconds: float) -> None:
    """Check the pages and indexes of a copy that is in use, on a connection of its own that has nothing of it in
    memory, for some seconds at most. Raises sqlite3.DatabaseError, OSError.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        check_pages(connection, seconds=seconds, quick=False)


def check_pages(connection: sqlite3.Connection, *, seconds: float | None = None, quick: bool = True) -> bool:
    """SQLite's own check, indexes included; with a time limit the ``quick`` one. Whether it came to its end. Raises
    sqlite3.DatabaseError.
    """
    check = "integrity_check" if seconds is None or not quick else "quick_check"
    if seconds is not None:
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        (said,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return False
        raise
    finally:
        connection.set_progress_handler(None, 0)
    if said != "ok":
        raise ChecksumError(str(said).strip())
    return True


def check_rows(connection: sqlite3.Connection, tables: Tables) -> None:
    """Compare the checksums of all rows. Raises sqlite3.DatabaseError."""
    for table, columns in tables.items():
        expected = columns if isinstance(columns, str) else f"checksum({', '.join(columns)})"
        statement = f"SELECT count(*) FROM {table} WHERE sum IS NOT {expected}"  # noqa: S608  # our own tables
        (wrong,) = connection.execute(statement).fetchone()
        if wrong:
            raise ChecksumError(f"the checksums of {wrong} rows of the table {table} do not match")


def _whole(stored: object, *columns: object) -> int:
    require(stored, *columns)
    return 1
