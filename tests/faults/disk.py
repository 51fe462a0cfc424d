"""A small disk that can be filled to the last byte and emptied again: a tmpfs, which needs root."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PIECE = 65_536


def disk_unavailable(folder: Path) -> str | None:
    """Why no small disk can be mounted here, as a sentence; None if it can."""
    try:
        with small_disk(folder / "try", megabytes=1):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"No tmpfs can be mounted here ({error}), so the disk cannot be filled."


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator["SmallDisk"]:
    """Mounted at a folder while entered. Raises OSError, CalledProcessError where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


class SmallDisk:
    """Its free space goes into a ballast file, and is free again when that is removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Fill it to the last byte; again while others free space."""
        with self._ballast.open("ab", buffering=0) as file:
            piece = _PIECE
            while piece:
                try:
                    file.write(bytes(piece))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 2

    def free(self) -> None:
        """Free the space."""
        self._ballast.unlink(missing_ok=True)
