"""Files with secrets: whether they are their owner's alone."""

import os
import stat
from pathlib import Path

from gateway.ports import PortError


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
        raise ExposedError(f"{path} is open to others on this machine; run: chmod 600 {path}")
