"""A full or failing disk under the local copies, told as what it is: an outage that passes once there is space."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.ports import LogUnavailableError

_PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})


@contextmanager
def writing_copy(path: Path) -> Iterator[None]:
    """While a local copy is written. Raises LogUnavailableError for a full or failing disk: whoever feeds the copy
    begins again where it stands, and the log still has the rest.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _PASSING:  # the low byte is the kind, the rest says more of it
            raise
        raise LogUnavailableError(
            f"The local copy {path} cannot be written ({error}): free space on its disk."
        ) from error
