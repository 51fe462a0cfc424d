"""Packaged files: reads the files of this package, and JSON files of others."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import orjson

ROOT: Traversable = files(__package__)


def read_bytes(*path: str) -> bytes:
    """The bytes of one packaged file. Raises FileNotFoundError."""
    return ROOT.joinpath(*path).read_bytes()


def read_json(*path: str, package: str = __package__) -> Any:
    """One packaged JSON file, by default of this package. Raises FileNotFoundError, ValueError."""
    return orjson.loads(files(package).joinpath(*path).read_bytes())


@cache
def names(folder: str, suffix: str) -> tuple[str, ...]:
    """The names in a folder, without their suffix, sorted."""
    found = (entry.name for entry in ROOT.joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix)))
