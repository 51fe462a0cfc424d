"""Port of transports, with the fetched feed and the limits of a fetch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeAlias

BLOCK_BYTES = 64 * 1024
MEGABYTE = 1024 * 1024

Validators: TypeAlias = Mapping[str, str]
"""Identify a version of a feed before it is fetched: an ETag, or a file's name, size and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Limits of a fetch: ``most_bytes`` on the wire and again inflated, ``seconds`` in total, ``ratio`` inflated bytes
    per received byte, and at least ``least_rate`` bytes per second over each ``pace_seconds``. The feed is stored in
    ``folder`` while it is read.
    """

    folder: Path
    most_bytes: int = 100 * MEGABYTE
    seconds: float = 600.0
    ratio: int = 100
    least_rate: int = 1_000
    pace_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The feed is still the version that the validators identify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A complete, inflated feed. ``digest``: hex SHA-256 of its content. Close it after use."""

    file: IO[bytes]
    size: int
    digest: str
    gzipped: bool
    validators: Validators

    def blocks(self) -> Iterator[bytes]:
        """Yield the content from the start, in blocks of 64 KiB."""
        self.file.seek(0)
        while block := self.file.read(BLOCK_BYTES):
            yield block

    def close(self) -> None:
        """Close the file, which frees the disk."""
        self.file.close()


class Transport(Protocol):
    """Port: one kind of access to a feed."""

    async def fetch(self, known: Validators, terms: Terms) -> Feed | Unchanged:
        """Return the current feed, or ``Unchanged`` if ``known`` identifies it. Raises FeedError and leaves no file."""
