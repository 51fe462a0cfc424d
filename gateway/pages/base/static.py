"""Static files: named by a digest of their content, so that a browser keeps them without asking again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gzip import compress
from hashlib import blake2b
from pathlib import Path

_FOLDER = Path(__file__).parent
_TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NAMES = ("passerelle.css", "passerelle.js", "mark.svg")


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file as it is served: its name with the digest, its media type, its bytes plain and compressed."""

    name: str
    media_type: str
    body: bytes
    compressed: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """Every static file by its name in the source."""
    return {name: _read(name) for name in _NAMES}


def find(served: str) -> Asset | None:
    """The static file that is served under this name; None if there is none, or not with this content."""
    return next((asset for asset in assets().values() if asset.name == served), None)


def _read(name: str) -> Asset:
    body = (_FOLDER / name).read_bytes()
    stem, _, suffix = name.rpartition(".")
    digest = blake2b(body, digest_size=6).hexdigest()
    return Asset(f"{stem}.{digest}.{suffix}", _TYPES[suffix], body, compress(body, 9, mtime=0))
