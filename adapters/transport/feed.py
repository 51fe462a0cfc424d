"""Port of transports: a fetch within its limits returns a complete feed or raises FeedError."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

from schemas import redact
from schemas.rulebook import displayed
from schemas.texts import Language, Texts, fill_one, load_texts

BLOCK_BYTES = 64 * 1024
MEGABYTE = 1024 * 1024

Validators: TypeAlias = Mapping[str, str]
"""Identify a version of a feed before it is fetched: an ETag, or a file's name, size and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
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
    """A complete, inflated feed. ``digest``: hex SHA-256 of its content. Close it after use.

    ``url``: the address that answered; None for a file. ``stated``: what the response says about further pages.
    """

    file: IO[bytes]
    size: int
    digest: str
    gzipped: bool
    validators: Validators
    url: str | None = None
    stated: Mapping[str, str] = field(default_factory=dict)

    def blocks(self) -> Iterator[bytes]:
        """The content from the start, in blocks of 64 KiB."""
        return self.part(0, self.size)

    def part(self, begin: int, end: int) -> Iterator[bytes]:
        """The content between two offsets, in blocks of 64 KiB."""
        while begin < end:
            self.file.seek(begin)
            block = self.file.read(min(BLOCK_BYTES, end - begin))
            if not block:
                return
            begin += len(block)
            yield block

    def close(self) -> None:
        """Close the file, which frees the disk."""
        self.file.close()


class Transport(Protocol):
    """Port: one kind of access to a feed."""

    async def fetch(self, known: Validators, limits: FetchLimits) -> Feed | Unchanged:
        """The current feed, or ``Unchanged`` if ``known`` identifies it. Raises FeedError and leaves no file."""


class FeedError(Exception):
    """A feed failed and nothing was changed. ``code`` is an entry of ``words.json``; ``values`` fill its text."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def words(self, language: Language) -> str:
        """The error and its remedy in one language."""
        values = {name: displayed(value) for name, value in self.values.items()}
        return redact(fill_one(_words()[self.code], values, language))

    def __str__(self) -> str:
        return self.words("en")


@cache
def _words() -> Mapping[str, Texts]:
    return load_texts(__package__, "words.json")
