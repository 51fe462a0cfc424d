"""Damage in a local SQLite copy of the log: a checksum for each row, and checks of the file, which is then rebuilt.

A full disk, a lock or missing permissions are not damage: the file may be intact, and the failure may be transient.
"""

import errno
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from zlib import crc32

from gateway.errors import LogUnavailableError

_SEPARATOR = b"\x1f"


def checksum(*columns: object) -> int:
    """CRC-32 of the columns of a row, its key included, so that a row stored under another key fails as well.

    A text and a blob of the same bytes have the same checksum. None is a distinct value.
    """
    return crc32(_SEPARATOR.join([one if type(one) is bytes else str(one).encode() for one in columns]))


def joined(columns: Sequence[str]) -> str:
    """The SQL expression for the bytes whose ``crc32`` is the checksum of these columns."""
    return " || char(31) || ".join(f"ifnull({column}, 'None')" for column in columns)


def computed(columns: Sequence[str]) -> str:
    """The definition of a column ``sum`` that SQLite computes at each write, on connections set up by ``register``.

    For tables with few writes: each call waits for the GIL.
    """
    return f"sum INTEGER GENERATED ALWAYS AS (checksum({', '.join(columns)})) STORED"


CHECKED_BYTES = 64 * 1_048_576
"""Files up to this size are checked completely when they are opened: about a second."""
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
"""Per table: the columns covered by its column ``sum``, or the SQL expression that computes it."""


class DamagedCopyError(LogUnavailableError):
    """A local copy is damaged; it is rebuilt from the log. The message names the file."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"The local copy {path} is damaged ({reason}); it is rebuilt from the log.")
        self.reason = str(reason)


class ChecksumError(sqlite3.DatabaseError):
    """A stored row, page or index differs from what was written."""


def register(connection: sqlite3.Connection) -> None:
    """Register the SQL functions ``checksum(column, …)``, ``crc32(bytes)`` and ``whole(sum, column, …)``.

    ``whole`` returns 1, or fails the statement if the checksum does not match.
    """
    connection.create_function("checksum", -1, checksum, deterministic=True)
    connection.create_function("crc32", 1, crc32, deterministic=True)
    connection.create_function("whole", -1, _whole, deterministic=True)


def require(stored: object, *columns: object) -> None:
    """Verify the checksum of a row. Raises ChecksumError."""
    if stored != checksum(*columns):
        raise ChecksumError(f"the checksum of a row does not match (key {str(columns[0])[:80]!r})")


def is_damage(error: BaseException) -> bool:
    """Whether an error of reading or writing a copy means that its file is damaged."""
    if isinstance(error, sqlite3.ProgrammingError):
        return False  # a closed connection, a wrong call
    if isinstance(error, UnicodeDecodeError):
        return True  # Python decodes SQLite's message, which quotes damaged bytes
    if isinstance(error, sqlite3.DatabaseError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _PASSING
    return False


def is_shortage(error: BaseException) -> bool:
    """Whether an error means that a resource of the machine is exhausted: disk space, file descriptors, memory."""
    if isinstance(error, sqlite3.OperationalError):
        return not is_damage(error)
    return isinstance(error, OSError) and error.errno in _SHORT


def copy_error(path: Path, error: Exception) -> LogUnavailableError | None:
    """Translate a failure of SQLite or the file system: DamagedCopyError for damage, LogUnavailableError for a
    transient failure (the log still has the data), None for any other error.
    """
    if is_damage(error):
        return DamagedCopyError(path, error)
    if isinstance(error, sqlite3.ProgrammingError) or not isinstance(error, sqlite3.Error | OSError):
        return None
    return LogUnavailableError(
        f"The local copy {path} cannot be used ({error}): free space on its disk, and check the folder's rights."
    )


@contextmanager
def using_copy(path: Path) -> Iterator[None]:
    """Translate failures while a local copy is read or written. Raises LogUnavailableError (see ``copy_error``)."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        failure = copy_error(path, error)
        if failure is None:
            raise
        raise failure from error


@contextmanager
def passing_outages(path: Path) -> Iterator[None]:
    """Translate transient failures of a statement to LogUnavailableError; damage propagates unchanged."""
    try:
        yield
    except sqlite3.OperationalError as error:
        interrupted = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        failure = copy_error(path, error) if is_shortage(error) and not interrupted else None
        if failure is None:
            raise
        raise failure from error


def remove(path: Path) -> None:
    """Remove a copy with its write-ahead log. A folder of that name is renamed, since it may hold other data."""
    for suffix in _SUFFIXES:
        one = path.with_name(path.name + suffix)
        if one.is_dir() and not one.is_symlink():
            one.rename(one.with_name(f"{one.name}.aside-{time.time_ns()}"))
        else:
            one.unlink(missing_ok=True)


def refuse_folder(path: Path) -> None:
    """Reject a folder at the path of a copy: SQLite's own error does not distinguish it. Raises ChecksumError."""
    for suffix in _SUFFIXES:
        if path.with_name(path.name + suffix).is_dir():
            raise ChecksumError("a folder has its name")


def require_missing(db: sqlite3.Connection, table: str, column: str, value: str) -> None:
    """Verify that a value is absent from a unique index: compare the neighbouring entries with the rows they point to.

    A damaged entry hides its row or misleads the search, and is next to the searched value. Raises
    sqlite3.DatabaseError.
    """
    for side, order in (("<", "DESC"), (">", "ASC")):
        neighbour = f"SELECT rowid, {column} FROM {table} WHERE {column} {side} ? ORDER BY {column} {order} LIMIT 1"  # noqa: S608  # our own names
        for rowid, indexed in db.execute(neighbour, (value,)).fetchall():
            row = db.execute(f"SELECT {column} FROM {table} NOT INDEXED WHERE rowid = ?", (rowid,)).fetchone()  # noqa: S608  # same
            if row != (indexed,):
                raise ChecksumError(f"an index names a row of the table {table} that is another one ({indexed!r})")


def check_copy(connection: sqlite3.Connection, path: Path, tables: Tables) -> None:
    """Check a copy on opening: completely up to ``CHECKED_BYTES``, else the structure of its pages for some seconds.
    Raises sqlite3.DatabaseError.
    """
    with suppress(FileNotFoundError):
        if sum(path.with_name(path.name + suffix).stat().st_size for suffix in ("", "-wal")) > CHECKED_BYTES:
            check_pages(connection, seconds=_QUICK_SECONDS)
            return
    check_pages(connection)
    check_rows(connection, tables)


def examine_copy(path: Path, *, seconds: float) -> None:
    """Check the pages and indexes of a copy in use, on a separate connection with an empty page cache, for at most
    ``seconds``. Raises sqlite3.DatabaseError, OSError.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        check_pages(connection, seconds=seconds, quick=False)


def check_pages(connection: sqlite3.Connection, *, seconds: float | None = None, quick: bool = True) -> bool:
    """Run SQLite's ``integrity_check``; with a time limit and ``quick``, ``quick_check``.

    Returns whether the check completed in time. Raises sqlite3.DatabaseError.
    """
    check = "integrity_check" if seconds is None or not quick else "quick_check"
    if seconds is not None:
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        (message,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
    except sqlite3.OperationalError as error:
        if seconds is not None and error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return False
        raise
    finally:
        if seconds is not None:
            connection.set_progress_handler(None, 0)
    if message != "ok":
        raise ChecksumError(str(message).strip())
    return True


def check_rows(connection: sqlite3.Connection, tables: Tables) -> None:
    """Verify the checksums of all rows. Raises sqlite3.DatabaseError.

    SQLite joins the columns, without the GIL: ``checksum`` would take a quarter longer, all of it with the GIL.
    """
    for table, columns in tables.items():
        expected = columns if isinstance(columns, str) else f"crc32(CAST({joined(columns)} AS BLOB))"
        statement = f"SELECT count(*) FROM {table} WHERE sum IS NOT {expected}"  # noqa: S608  # our own tables
        (wrong,) = connection.execute(statement).fetchone()
        if wrong:
            raise ChecksumError(f"the checksums of {wrong} rows of the table {table} do not match")


def _whole(stored: object, *columns: object) -> int:
    require(stored, *columns)
    return 1
