"""Files with secrets: whether they are their owner's alone."""

import os
import stat
from pathlib import Path

from gateway.errors import PortError


class ExposedError(PortError):
    """A file with a secret can be read or altered by others on this machine; the message says how to mend it."""


def read_private(path: Path) -> bytes:
    """The content of a file with a secret. Raises ExposedError, OSError."""
    with path.open("rb") as file:
        _check(path, os.fstat(file.fileno()))
        return file.read()


def check_private(path: Path) -> None:
    """Look at a file's rights without reading it. Raises ExposedError, OSError."""
    _check(path, path.stat())


def is_private(mode: int, *, owner: int) -> bool:
    """Whether a file of this mode and owner (user id) is its owner's alone.

    A file of root's may be read by its group, too: so container platforms hand a secret to a process of a user of its
    own. Whoever reads it: root looks at the same file by ``passerelle doctor`` or ``passerelle keys``.
    """
    others = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO | (0 if owner == 0 else stat.S_IRGRP)
    return mode & others == 0


def _check(path: Path, found: os.stat_result) -> None:
    if not is_private(found.st_mode, owner=found.st_uid):
        mode = stat.S_IMODE(found.st_mode)
        raise ExposedError(f"{path} is open to others on this machine (mode {mode:04o}); run: chmod 600 {path}")


def make_private(path: Path) -> None:
    """Make an empty file for its owner alone, unless there is one. Raises OSError."""
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
    """Write a new file for its owner alone, whole and synced before it has its name; whether this call made it: of
    several processes that do so at once, one wins. Raises OSError.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)  # of a process of the same number that was killed
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
    """Write a file for its owner alone in place of another, whole or not at all. Raises OSError."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        write_draft(draft, content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_draft(draft: Path, content: bytes) -> None:
    """Write a new file for its owner alone and sync it. Raises OSError."""
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
