"""A copy of the embedded log at one instant, while a gateway writes to it."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.log.sqlite.check import check_log
from gateway.log.sqlite.file import log_error
from gateway.log.sqlite.stream import is_upgraded, remove_mark
from gateway.runtime.private_files import make_private, sync_folder
from gateway.runtime.sqlite_damage import register

_BUSY_SECONDS = 10.0


def copy_log(log: Path, target: Path) -> int:
    """Copy the log to a new file, in one read transaction, and check each page and checksum of the copy. Returns its
    size. Writers go on meanwhile; the write-ahead log is part of what is copied.

    Raises LogDamagedError, LogUnavailableError, OSError.
    """
    make_private(target)
    try:
        with closing(_open(log)) as source, closing(_open(target)) as copy:
            source.backup(copy)
            if is_upgraded(copy):
                remove_mark(copy)
                copy.commit()
            check_log(copy)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:  # those of checksums have none
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
        raise log_error(log, error) from error
    sync_folder(target.parent)
    return target.stat().st_size


def _open(path: Path) -> sqlite3.Connection:
    """An existing file; with a checksum function, as its tables need it."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
    register(connection)
    return connection
