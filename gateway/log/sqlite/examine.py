"""The examination of SQLite files, the log's and local copies: every page, and the checksum of every row.

``main`` is a child process of a gateway, small and at the lowest priority. It reads from standard input which files to
examine, one line of JSON, reports damage by the marker of the file, and writes its findings as lines of JSON. The end
of standard input ends it: with the gateway, even one that is killed.
"""

import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import orjson

from gateway.log.sqlite.check import check_records
from gateway.runtime.checked_file import report_damage
from gateway.runtime.sqlite_damage import Tables, check_pages, check_rows, is_damage, refuse_folder, register

AGAIN = 75
"""Exit code: the check of a file was interrupted."""
_BUSY_SECONDS = 10.0
_GROWTH_BYTES = 256 * 1_048_576
_STEPS = 100_000


class VersionError(Exception):
    """The file is a copy of another version of the gateway."""


def examine_log(path: Path, *, growth: int | None = None) -> None:
    """Examine the embedded log; ``growth`` as in ``examine_copy``. Raises sqlite3.Error."""
    refuse_folder(path)
    with closing(_open(path, growth)) as connection:
        check_records(connection)
        check_pages(connection)


def examine_copy(path: Path, tables: Tables, version: int, *, growth: int | None = None) -> None:
    """Examine a local copy. The write-ahead log grows while a check reads: at most by ``growth`` bytes, which interrupt
    it. Raises VersionError, sqlite3.Error.
    """
    refuse_folder(path)
    with closing(_open(path, growth)) as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        if row is None or str(row[0]) != str(version):
            raise VersionError("it is of another version of the gateway")
        check_pages(connection)
        check_rows(connection, tables)


def examine_all(
    copies: Iterator[tuple[Path, Tables, int]], log: Path | None, *, found: Callable[[str, Path, str], None]
) -> bool:
    """Examine each file, and report damage; ``found`` is called with an event, a file and a reason. Returns whether
    each check came to its end.
    """
    checks: list[tuple[Path, Callable[[], None]]] = [
        (path, partial(examine_copy, path, tables, version, growth=_GROWTH_BYTES)) for path, tables, version in copies
    ]
    if log is not None:
        checks.append((log, partial(examine_log, log, growth=_GROWTH_BYTES)))
    interrupted = [path for path, check in checks if not _is_examined(path, check, found)]
    return not interrupted


def _is_examined(path: Path, check: Callable[[], None], found: Callable[[str, Path, str], None]) -> bool:
    try:
        before = path.stat().st_ino
        check()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return False
        if not is_damage(error):
            found("files.not_examined", path, str(error))
        elif path.exists() and path.stat().st_ino == before:  # else it is rebuilt already
            found("files.damaged", path, str(error))
            report_damage(path, str(error))
    except (OSError, VersionError) as error:
        found("files.not_examined", path, str(error))
    return True


def _open(path: Path, growth: int | None) -> sqlite3.Connection:
    """A read-only connection, safe while a gateway runs."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    register(connection)
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    if growth is not None:
        longest = _wal_size(path) + growth
        connection.set_progress_handler(lambda: _wal_size(path) > longest, _STEPS)
    return connection


def _wal_size(path: Path) -> int:
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0


def _end_with_input() -> None:
    while os.read(0, 1):  # not by sys.stdin, whose lock would be held when the process ends
        pass
    os._exit(1)


def _say(event: str, path: Path, reason: str) -> None:
    line: Mapping[str, str] = {"event": event, "file": str(path), "reason": reason}
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.flush()


def main() -> None:
    """Examine the files of the order, and exit: with ``AGAIN`` if a check was interrupted."""
    order = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    copies = ((Path(path), tables, version) for path, tables, version in order["copies"])
    log = None if order["log"] is None else Path(order["log"])
    sys.exit(0 if examine_all(copies, log, found=_say) else AGAIN)


if __name__ == "__main__":
    main()
