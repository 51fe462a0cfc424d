"""Paths of a mapping, the values that they select in an item, and the paths that an item has.

A path is the names from the outermost member inwards, separated by ``/``. Lists on the path are iterated: an object and
a list of one object give the same values. ``#1`` keeps the first of several.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
Scalar: TypeAlias = str | int | float | bool

FIRST = "#1"
KEY = "#key"
"""The member with an item's own key, where the items are the members of an object."""
TEXT_MEMBERS = ("#text", "@value")
"""The members that hold the text of an XML element and of a JSON-LD value object."""

_MAX_MEMBERS = 2_000
"""Most members of one item that are visited."""
_MAX_OF_A_LIST = 10
_MAX_LEVELS = 10
_MAX_NAME_CHARACTERS = 100
"""Members with longer names are skipped."""


def parse_path(text: str) -> Path:
    """Parse a path; ``~1`` is a slash within a name, ``~0`` a tilde. The empty path is the record itself."""
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in text.split("/")) if text else ()


def write_path(path: Path) -> str:
    """The path in the notation of a mapping."""
    return "/".join(name.replace("~", "~0").replace("/", "~1") for name in path)


def write_paths(paths: Iterable[Path]) -> str:
    """Alternative paths for messages."""
    return " | ".join(map(write_path, paths))


def select(content: Any, path: Path) -> tuple[list[Any], int]:
    """The values at the path, and how many ``#1`` left out. Null and blank texts are skipped."""
    found, left_out = list(_flat(content)), 0
    for name in path:
        if name == FIRST:
            left_out += max(0, len(found) - 1)
            found = found[:1]
        else:
            found = [inner for outer in found if isinstance(outer, Mapping) for inner in _flat(outer.get(name))]
    return found, left_out


def scalars(values: Sequence[Any]) -> list[Scalar]:
    """The values as scalars; an object is replaced by its text, or skipped if it has none."""
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


def occurs(value: Any, path: Path) -> bool:
    """Whether the path selects a text, a number or a blank value.

    A blank value on the way counts as well: its members are unknown.
    """
    if isinstance(value, list):
        return not value or any(occurs(one, path) for one in value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if not path:
        return not isinstance(value, Mapping) or all(name.startswith("@") for name in value) or "#text" in value
    if path[0] == FIRST:
        return occurs(value, path[1:])
    return isinstance(value, Mapping) and path[0] in value and occurs(value[path[0]], path[1:])


def leaf_paths(content: Any) -> Iterator[Path]:
    """The paths of the texts, numbers and blank members of an item, from its start. Bounded for any item."""
    left = _MAX_MEMBERS
    waiting: list[tuple[Path, Any]] = [((), content)]
    while waiting and left:
        left -= 1
        path, value = waiting.pop()
        if isinstance(value, list):
            waiting.extend((path, one) for one in reversed(value[:_MAX_OF_A_LIST]))
        elif isinstance(value, Mapping) and value:
            inner = [
                (path if name in TEXT_MEMBERS else (*path, name), one)
                for name, one in islice(value.items(), _MAX_MEMBERS)
                if len(name) <= _MAX_NAME_CHARACTERS and len(path) < _MAX_LEVELS
            ]
            waiting.extend(reversed(inner))
        elif path:
            yield path
