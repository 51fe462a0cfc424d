"""File locks: one gateway per data folder, and serialised commands that change partners."""

import asyncio
import fcntl
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from gateway.errors import SettingsError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the exclusive lock of a data folder, which is created with mode 0700 if missing.

    Raises SettingsError if another process holds it or the folder cannot be used. The system releases the lock of a
    process that dies.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # it holds whole offers, hidden employers included
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


def is_locked(folder: Path) -> bool:
    """Whether a process holds the exclusive lock of a data folder. Raises OSError if it cannot be known."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


@asynccontextmanager
async def write_lock(path: Path, *, patience: float) -> AsyncIterator[None]:
    """Hold a lock file; wait at most ``patience`` seconds for the process that holds it.

    The lock keeps the commands of one machine from fencing one another. It is advisory: without it the body runs all
    the same, and the log's fence decides.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        await _acquire(handle, patience)
        yield
    finally:
        os.close(handle)


async def _acquire(handle: int, max_wait: float) -> None:
    """Poll for the lock; return without it after ``max_wait`` seconds, or if the file system has no locks."""
    now = asyncio.get_running_loop().time
    until = now() + max_wait
    while now() < until:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(random.uniform(0.02, 0.1))  # noqa: S311  # spreads retries, no secret
        except OSError:  # a file system without locks
            return
        else:
            return
