"""Files with secrets, accessible to their owner only."""

import os
import stat
from pathlib import Path

from gateway.errors import PortError


class ExposedError(PortError):
    """Other users of the machine can read or change a file with a secret. The message names the remedy."""


def read_private(path: Path) -> bytes:
    """The content of a file with a secret. Raises ExposedError, OSError."""
    with path.open("rb") as file:
        _check(path, os.fstat(file.fileno()))
        return file.read()


def check_private(path: Path) -> None:
    """Check a file's mode and owner without reading it. Raises ExposedError, OSError."""
    _check(path, path.stat())


def is_private(mode: int, *, owner: int) -> bool:
    """Whether only the owner (user id) can access a file of this mode.

    Group read is allowed for files of root: container platforms mount secrets that way for a process of another user.
    The result does not depend on the reading user: root checks the same file with ``passerelle doctor`` or
    ``passerelle keys``.
    """
    others = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO | (0 if owner == 0 else stat.S_IRGRP)
    return mode & others == 0


def _check(path: Path, found: os.stat_result) -> None:
    if not is_private(found.st_mode, owner=found.st_uid):
        mode = stat.S_IMODE(found.st_mode)
        raise ExposedError(f"{path} is open to others on this machine (mode {mode:04o}); run: chmod 600 {path}")


def make_private(path: Path) -> None:
    """Create an empty file with mode 0600 unless it exists. Raises OSError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(path.parent)


def write_private(path: Path, content: bytes) -> bool:
    """Create a file with mode 0600 atomically: written and synced before it is linked under its name.

    Returns whether this call created it; of several concurrent processes, one does. Raises OSError.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)  # left by a killed process with the same id
    try:
        write_draft(draft, content)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Replace a file atomically by one with mode 0600. Raises OSError."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        write_draft(draft, content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_draft(draft: Path, content: bytes) -> None:
    """Write a new file with mode 0600 and sync it. Raises OSError."""
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that its new names survive a crash. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
