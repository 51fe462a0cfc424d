"""Secrets of transports: a profile names them, the gateway's environment or secrets folder holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.transport.error import FeedError


@dataclass(frozen=True, slots=True)
class Secrets:
    """Sources of secrets: environment variables, and the files of one folder (None: no folder)."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path | None = None

    def read(self, named: Mapping[str, str]) -> str:
        """Return the secret of ``{"env": NAME}`` or ``{"file": NAME}`` without its last line feed. Raises FeedError.

        The profile schema restricts the names to ``FEED_…`` and to plain file names: no profile can read other values.
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
