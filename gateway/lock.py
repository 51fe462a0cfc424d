"""The lock on a data folder: one gateway at a time works in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.settings import SettingsError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, made for its owner alone where it is missing. Raises SettingsError when another process has it.

    The system frees the lock of a process that dies.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # whole offers lie in it, hidden employers included
        handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise SettingsError(
            f"the data folder {folder.absolute()} cannot be used ({error.strerror}); check its rights and its disk, or "
            "name another one in PASSERELLE_DATA"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"another gateway works in {folder}; stop it, or give this one a folder of its own by PASSERELLE_DATA"
            ) from None
        yield
    finally:
        os.close(handle)
