"""Rules of a mapping: each finds the values of one field in an item, at paths that a feed is expected to have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import schemas
from adapters.formats.moment import read_day, read_time
from adapters.formats.path import Path, Scalar, scalars, select, write_path, write_paths
from adapters.formats.problem import UnreadableValueError
from adapters.formats.take import Take, take_part
from adapters.formats.text import cut, fold, html_to_text, one_line, spell

KEEP, DROP = "keep", "drop"
"""The effect of ``unmatched`` on a value without the part to take, or not in the map."""

_GUARDED = ("restrictions.", "redistribution.", "location.country", "location.department", "expires_on")

OTHERS = "*"
"""The key of a value map that matches every value without a key of its own."""


class Caught(str):
    """The target of the key ``*``, with the unmapped source ``value``."""

    __slots__ = ("value",)
    value: str

    def __new__(cls, target: str, value: str) -> Self:
        """Create the text ``target`` with its source ``value``."""
        caught = super().__new__(cls, target)
        caught.value = value
        return caught


@dataclass(frozen=True, slots=True)
class FoundValues:
    """The values found by a rule, how many others ``#1`` in its path left out, and the length and limit of each text
    that was cut before it was joined.
    """

    values: list[Scalar]
    left_out: int = 0
    cuts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePart:
    """One source of values and the steps applied to each of them, in this order: HTML, take, split, pattern, value map.

    The first of several paths that has a value is used. ``value_map`` is keyed by folded text. ``unmatched``: the
    treatment of a value without the part to take or outside the map, instead of refusing the offer. ``cut``: the
    longest text.
    """

    paths: tuple[Path, ...] = ()
    constant: Any = None
    html: bool = False
    takes: tuple[Take, ...] = ()
    split: str | None = None
    date: str | None = None
    time: str | None = None
    value_map: Mapping[str, Any] | None = None
    unmatched: str | None = None
    cut: int | None = None

    def find(self, content: Any) -> FoundValues:
        """The values of an item. Raises UnreadableValueError."""
        found = FoundValues([]) if self.constant is None else FoundValues([self.constant])
        for path in self.paths:
            selected, left_out = select(content, path)
            found = FoundValues(scalars(selected), left_out)
            if found.values:
                break
        return FoundValues([made for value in found.values for made in self._make(value)], found.left_out)

    @property
    def source(self) -> str:
        """The paths, for messages."""
        return write_paths(self.paths)

    def _make(self, value: Scalar) -> Iterator[Scalar]:
        if self.html:
            value = html_to_text(spell(value))
        if self.takes and spell(value).strip():
            part = take_part(spell(value), self.takes)
            if part is None and self.unmatched == DROP:
                return
            if part is None and self.unmatched != KEEP:
                raise UnreadableValueError("part-missing", spell(value))
            value = value if part is None else part
        for piece in [value] if self.split is None else spell(value).split(self.split):
            text = spell(piece)
            if not text.strip():
                continue
            if self.date is not None:
                piece = read_day(one_line(text), self.date)  # noqa: PLW2901  # step by step, as the docstring says
            elif self.time is not None:
                piece = read_time(one_line(text), self.time)  # noqa: PLW2901
            if self.value_map is None:
                yield piece
            else:
                yield from self._look_up(spell(piece))

    def _look_up(self, text: str) -> Iterator[Scalar]:
        values = self.value_map or {}
        key = fold(text)
        if key not in values and OTHERS not in values:
            if self.unmatched == KEEP:
                yield text
            if self.unmatched is not None:
                return
            raise UnreadableValueError("value-unmapped", text)
        meant = values[key] if key in values else values[OTHERS]
        for one in meant if isinstance(meant, list) else [meant]:
            if one is not None:
                yield Caught(one, text) if key not in values and isinstance(one, str) else one


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRule(RulePart):
    """A whole rule: one part or several joined parts, read once per item or once per object at ``each``.

    The steps of the rule apply to the joined text. ``default`` is the value if none is found. ``optional``: an
    unreadable value is left out with a warning instead of refusing the offer. ``school_weeks``: the weeks come from the
    school calendar.
    """

    each: Path | None = None
    join: tuple[RulePart, ...] = ()
    glue: str = " "
    default: Any = None
    optional: bool = False
    school_weeks: bool = False

    def find(self, content: Any) -> FoundValues:
        """The values of an item. Raises UnreadableValueError."""
        if self.each is None:
            return self._find_in(content)
        objects, left_out = select(content, self.each)
        found = [self._find_in(inner) for inner in objects]
        values = [value for one in found for value in one.values]
        cuts = tuple(cut for one in found for cut in one.cuts)
        return FoundValues(values, left_out + sum(one.left_out for one in found), cuts)

    @property
    def strict(self) -> bool:
        """Whether it needs a value: it has no ``default`` and is not ``optional``."""
        return self.default is None and not self.optional

    @property
    def parts(self) -> tuple[RulePart, ...]:
        """The rule itself and the joined parts."""
        return (self, *self.join)

    def full_paths(self, part: RulePart) -> tuple[Path, ...]:
        """The paths of a part from the item on."""
        return tuple((*(self.each or ()), *path) for path in part.paths)

    @property
    def source(self) -> str:
        """The paths, for messages."""
        inner = " + ".join(part.source for part in self.join if part.paths) if self.join else write_paths(self.paths)
        return inner if self.each is None else f"{write_path(self.each)}/({inner})"

    def _find_in(self, content: Any) -> FoundValues:
        if not self.join:
            return RulePart.find(self, content)
        found = [_cut(part, part.find(content)) for part in self.join]
        left_out = max(one.left_out for one in found)
        if not any(one.values for part, one in zip(self.join, found, strict=True) if part.paths):
            return FoundValues([], left_out)  # constants alone join nothing
        joined = self.glue.join(spell(value) for one in found for value in one.values)
        cuts = tuple(one for part in found for one in part.cuts)
        return FoundValues(list(self._make(joined)), left_out, cuts)


def _cut(part: RulePart, found: FoundValues) -> FoundValues:
    """The values of a joined part, cut if they are longer than it allows."""
    limit = part.cut
    if limit is None:
        return found
    texts = [spell(value) for value in found.values]
    cuts = tuple((len(text), limit) for text in texts if len(text) > limit)
    return FoundValues([cut(text, limit) for text in texts], found.left_out, cuts) if cuts else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Alternative paths; at least one must occur in the feed. ``pointer`` is their JSON Pointer in the profile.

    ``required``: without them no offer can be published. ``strict``: their rule has no ``default`` and is not
    ``optional``. ``guarded``: without them more would be published than is meant. ``within``: the pointer of the whole
    rule, if they are one part of several. ``ready_made``: the rule is not the platform's own.
    """

    pointer: str
    paths: tuple[Path, ...]
    required: bool = False
    strict: bool = True
    guarded: bool = True
    within: str | None = None
    ready_made: bool = False


def watched_paths(rules: Mapping[str, MappingRule], *, own: frozenset[str]) -> Iterator[Watched]:
    """The paths to watch. ``rules`` is by pointer in the profile; ``own``: the platform's own ones.

    A ready-made mapping names paths that many feeds do not have: only those of required fields are watched, to find
    misspelt ones.
    """
    for pointer, rule in rules.items():
        required = pointer == "/mapping/id" or (pointer in required_fields() and rule.strict)
        if pointer in own:
            yield from _watched(pointer, rule, required=required)
        elif required:
            yield from (replace(one, ready_made=True) for one in _watched(pointer, rule, required=False))


@cache
def required_fields() -> frozenset[str]:
    """The pointers of the required fields of the offer schema, without id and revision."""
    schema = schemas.schema("offer")
    found: set[str] = set()
    for name in set(schema["required"]) - {"id", "revision"}:
        inner = schema["$defs"].get(name, {}).get("required")
        found |= {name} if inner is None else {f"{name}.{child}" for child in inner}
    return frozenset(f"/mapping/fields/{name}" for name in found)


def is_guarded(pointer: str) -> bool:
    """Whether the rule at a pointer of a profile is needed by every offer, or restricts what is published: without it
    an expired, foreign or reserved offer would go out, or a hidden employer be shown.
    """
    name = pointer.removeprefix("/mapping/fields/")
    return pointer == "/mapping/id" or pointer in required_fields() or name.startswith(_GUARDED)


def _watched(pointer: str, rule: MappingRule, *, required: bool) -> Iterator[Watched]:
    known = Watched(pointer="", paths=(), strict=rule.strict, guarded=is_guarded(pointer))
    if rule.paths:
        yield replace(known, pointer=f"{pointer}/path", paths=rule.full_paths(rule), required=required)
        return
    named = [(index, rule.full_paths(part)) for index, part in enumerate(rule.join) if part.paths]
    if not named:
        return
    every = tuple(path for _, paths in named for path in paths)
    yield replace(known, pointer=f"{pointer}/join", paths=every, required=required)
    if len(named) > 1:
        for index, paths in named:
            where = f"{pointer}/join/parts/{index}/path"
            yield replace(known, pointer=where, paths=paths, within=f"{pointer}/join")
