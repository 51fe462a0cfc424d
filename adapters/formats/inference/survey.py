"""Survey of a sample's items: the paths that they have, the values at each path, and which paths repeat."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.formats.item import Content
from adapters.formats.path import TEXT_MEMBERS, Path, Scalar
from adapters.formats.text import fold, spell

MAX_PATHS = 300
_MAX_VALUES = 60
_MAX_OF_A_LIST = 10
_MAX_LEVELS = 8
_MAX_NAME = 100
_MAX_PATH = 280
_MAX_TEXT = 4000


@dataclass(slots=True)
class PathValues:
    """The values at one path.

    ``rows``: the values of each item that has some, at most 60 in all. ``repeated``: the number of names, from the item
    on, to the first list of several objects on the way; None without one. ``member``: it is in a list of objects, of
    one or several. ``listed``: an item has several values.
    """

    path: Path
    items: int = 0
    rows: list[tuple[str, ...]] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    repeated: int | None = None
    member: bool = False
    listed: bool = False
    kinds: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """The number of occurrences of each value."""
    _count: int = 0

    def add(self, index: int, values: Sequence[str]) -> None:
        """Add the values of an item."""
        self.items += 1
        self.listed = self.listed or len(values) > 1
        if self._count < _MAX_VALUES:
            kept = tuple(values[: _MAX_VALUES - self._count])
            self._count += len(kept)
            self.counts.update(kept)
            self.rows.append(kept)
            self.indexes.append(index)

    @property
    def values(self) -> list[str]:
        """All values that were kept."""
        return [value for row in self.rows for value in row]

    @property
    def distinct(self) -> list[str]:
        """The different values, in the order of the sample."""
        return list(self.counts)

    def within(self, other: "PathValues") -> bool:
        """Whether each value is part of the other path's value for the same item."""
        pairs = zip(self.values, other.values, strict=False)
        return self.indexes == other.indexes and all(fold(one) in fold(two) for one, two in pairs)

    def same_as(self, other: "PathValues") -> bool:
        """Whether both paths have the same values in every item, without regard to case and accents."""
        alike = self.rows == other.rows or [*map(fold, self.values)] == [*map(fold, other.values)]
        return alike and self.indexes == other.indexes


def survey(items: Sequence[Content]) -> dict[Path, PathValues]:
    """The values at every path of the items, in the order of the sample."""
    found: dict[Path, PathValues] = {}
    for index, content in enumerate(items):
        row: dict[Path, list[str]] = {}
        repeated: dict[Path, int] = {}
        members: set[Path] = set()
        for path, value, at, member in _leaves(content, (), None, _MAX_LEVELS):
            if path not in found and len(found) + len(row) > MAX_PATHS:
                continue
            row.setdefault(path, []).append(spell(value)[:_MAX_TEXT])
            if member:
                members.add(path)
            if at is not None:
                repeated[path] = min(at, repeated.get(path, at))
        for path, values in row.items():
            known = found.setdefault(path, PathValues(path))
            known.add(index, values)
            known.member = known.member or path in members
            if path in repeated:
                known.repeated = repeated[path] if known.repeated is None else min(known.repeated, repeated[path])
    return found


def _leaves(
    value: Any, path: Path, at: int | None, left: int, *, member: bool = False
) -> Iterator[tuple[Path, Scalar, int | None, bool]]:
    if isinstance(value, list):
        objects = sum(isinstance(one, Mapping) for one in value)
        at = len(path) if at is None and objects > 1 else at
        for one in value[:_MAX_OF_A_LIST]:
            yield from _leaves(one, path, at, left, member=member or objects > 0)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME or "\n" in name or left == 0:
                continue
            within = path if name in TEXT_MEMBERS else (*path, name)
            if sum(map(len, within)) + len(within) <= _MAX_PATH:
                yield from _leaves(inner, within, at, left - 1, member=member)
    elif value is not None and path and not (isinstance(value, str) and not value.strip()):
        yield path, value, at, member
