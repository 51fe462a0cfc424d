"""A feed that has come, what fetching one may cost, and the port that every transport is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeAlias

BLOCK_BYTES = 64 * 1024
MEGABYTE = 1024 * 1024

Validators: TypeAlias = Mapping[str, str]
"""What tells this feed from the next one before it is fetched: an ETag, a file's name, size and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a feed may cost: ``most_bytes`` on the wire and again inflated, ``seconds`` for all of it, ``ratio`` bytes
    out per byte in, and at least ``least_rate`` bytes a second over each ``pace_seconds``. It is kept in ``folder``
    while it is read.
    """

    folder: Path
    most_bytes: int = 100 * MEGABYTE
    seconds: float = 600.0
    ratio: int = 100
    least_rate: int = 1_000
    pace_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The feed is the one that the validators tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed that came whole, inflated. ``digest`` (hex SHA-256) stands for its content. Close it after use."""

    file: IO[bytes]
    size: int
    digest: str
    gzipped: bool
    validators: Validators

    def blocks(self) -> Iterator[bytes]:
        """Its content from the start."""
        self.file.seek(0)
        while block := self.file.read(BLOCK_BYTES):
            yield block

    def close(self) -> None:
        """Free the disk."""
        self.file.close()


class Transport(Protocol):
    """One way for a feed to come."""

    async def fetch(self, known: Validators, terms: Terms) -> Feed | Unchanged:
        """The feed as it is now, unless ``known`` says that we have it. Raises FeedError; then nothing is left."""
