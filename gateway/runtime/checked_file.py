"""Selects the SQLite files that are checked before they are used, and reports a file that is found damaged.

A file that was checked or created since the machine started is not checked again at the next start: the process may
have been killed, but what it wrote is in the system's page cache or on the disk. A mark in the file, a row, names that
boot of the machine and the file itself, by device and inode. The mark of a clean stop names the instant of the last
write too, which the file then has: a later write changes that instant. After a crash of the machine the boot is another
one, and a file that was restored is another file: both are checked first.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from gateway.runtime.private_files import make_private

Boot: TypeAlias = Callable[[], str | None]
"""Returns the id of the machine's current boot; None where it is not known."""

_SECOND_NS = 1_000_000_000
_LOOK_SECONDS = 1.0


class FileMarks:
    """The marks that this file has in this boot of the machine; none where the boot is not known."""

    def __init__(self, path: Path, boot: Boot) -> None:
        self._path = path
        self._boot = boot()

    @property
    def used(self) -> str | None:
        """The mark of a file in use. Raises OSError."""
        if self._boot is None:
            return None
        status = self._path.stat()
        return f"{self._boot} {status.st_dev} {status.st_ino}"

    @property
    def valid(self) -> tuple[str, ...]:
        """The marks with which a file is trusted: of use, of a clean stop without a later write. Raises OSError."""
        used = self.used
        if used is None:
            return ()
        wal = self._path.with_name(f"{self._path.name}-wal")
        if wal.exists() and wal.stat().st_size:
            return (used,)
        return used, f"{used} {self._path.stat().st_mtime_ns}"

    def stopped(self) -> tuple[str, int] | None:
        """The mark of a clean stop, and the instant for ``set_written`` once the file is closed. Raises OSError."""
        used = self.used
        if used is None:
            return None
        written = self._path.stat().st_mtime_ns // _SECOND_NS * _SECOND_NS  # some file systems have whole seconds
        return f"{used} {written}", written

    def set_written(self, written: int) -> None:
        """Give the file the instant of its mark. Raises OSError."""
        os.utime(self._path, ns=(written, written))


def marker(path: Path) -> Path:
    """The file by which a process reports damage to the process that owns a file, and to the next start."""
    return path.with_name(f"{path.name}.damaged")


def report_damage(path: Path, reason: str) -> None:
    """Create the marker of a file, with the reason; a failing disk prevents it."""
    with suppress(OSError):
        make_private(marker(path))
        marker(path).write_text(reason, encoding="utf-8")


class Looks:
    """Looks at the marker of a file once a second: each look is a system call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0.0

    def reason(self) -> str | None:
        """The reason in the marker; None without a marker, and between two looks."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + _LOOK_SECONDS
        return reported_damage(self._path)


def reported_damage(path: Path) -> str | None:
    """The reason in the marker of a file; None without a marker."""
    if not marker(path).exists():
        return None
    with suppress(OSError):
        return marker(path).read_text(encoding="utf-8", errors="replace")
    return "no reason"
