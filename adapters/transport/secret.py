"""Secrets of transports: a profile names them, the operator keeps them where the gateway runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.transport.error import FeedError


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where secrets lie: variables of the environment, and files of one folder (None: there is no such folder)."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path | None = None

    def read(self, named: Mapping[str, str]) -> str:
        """The secret of ``{"env": NAME}`` or ``{"file": NAME}``, its last line feed left out. Raises FeedError.

        The schema of profiles holds the names to ``FEED_…`` and to plain file names: no profile reads anything else.
        """
        name = named.get("env") or named["file"]
        text = self.environ.get(name, "") if "env" in named else self._read_file(name)
        if not text:
            raise FeedError("feed-secret-missing", name=name)
        return text

    def _read_file(self, name: str) -> str:
        if self.folder is None:
            return ""
        try:
            return (self.folder / name).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            return ""
