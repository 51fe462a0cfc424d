"""The member id of a consumer group, kept in the data folder: a process that was killed resumes its membership.

The group would wait ten seconds for a member that is gone, and assign its partitions to no other member meanwhile.
"""

from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from gateway.clock import boot
from gateway.runtime.checked_file import FileMarks


class KeptMember:
    """A file with the id, and the mark of the file: in a copy of the folder it is not valid. Without a folder, or where
    the machine's boot is not known, nothing is kept. A failing disk is ignored: the group waits.
    """

    def __init__(self, folder: Path | None, group: str) -> None:
        self._path = None if folder is None else folder / quote(group, safe="")

    def read(self) -> str | None:
        """The id that a process of this folder, which has not left the group, had last."""
        if self._path is not None:
            with suppress(OSError, ValueError):
                mark, member = self._path.read_text().splitlines()
                return member if mark == FileMarks(self._path, boot).used else None
        return None

    def keep(self, member: str) -> None:
        """Keep the id of a member that has joined."""
        if self._path is not None:
            with suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.touch(0o600)
                mark = FileMarks(self._path, boot).used
                if mark is not None:
                    self._path.write_text(f"{mark}\n{member}\n")

    def forget(self) -> None:
        """The member leaves the group."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
