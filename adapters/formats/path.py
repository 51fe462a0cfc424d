"""Paths: how a mapping names a place in a record, and what stands there.

A path is the names from the outside in, separated by ``/``. A list on the way is walked through, so that one object
and a list of one read alike. ``#1`` keeps the first of several.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
Scalar: TypeAlias = str | int | float | bool

FIRST = "#1"
TEXT_MEMBERS = ("#text", "@value")
"""Where an XML element, or a value object of JSON-LD, has its text."""


def parse_path(text: str) -> Path:
    """The path of a mapping; ``~1`` stands for a slash within a name, ``~0`` for a tilde. Empty: the record itself."""
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in text.split("/")) if text else ()


def write_path(path: Path) -> str:
    """The path as a mapping writes it."""
    return "/".join(name.replace("~", "~0").replace("/", "~1") for name in path)


def select(content: Any, path: Path) -> tuple[list[Any], int]:
    """Everything at the path, and how many others ``#1`` left out. Null and blank texts are nothing."""
    found, left_out = list(_flat(content)), 0
    for name in path:
        if name == FIRST:
            left_out += max(0, len(found) - 1)
            found = found[:1]
        else:
            found = [inner for outer in found if isinstance(outer, Mapping) for inner in _flat(outer.get(name))]
    return found, left_out


def scalars(values: Sequence[Any]) -> list[Scalar]:
    """The values as scalars; an object counts as its text, if it has one."""
    found: list[Scalar] = []
    for value in values:
        if isinstance(value, Mapping):
            inner = (value[name] for name in TEXT_MEMBERS if name in value)
            found.extend(one for one in inner if isinstance(one, str | int | float) and one != "")
        else:
            found.append(value)
    return found


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        yield value
