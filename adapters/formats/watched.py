"""The paths of a mapping that a feed is expected to have, by rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import schemas
from adapters.formats.path import Path
from adapters.formats.rule import Condition, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Alternative paths; at least one must occur in the feed. ``pointer`` is their JSON Pointer in the profile.

    ``required``: without them no offer can be published. ``strict``: their rule has no ``default`` and is not
    ``optional``. ``within``: the pointer of the whole rule, if they are one part of several. ``ready_made``: the rule
    is not the platform's own.
    """

    pointer: str
    paths: tuple[Path, ...]
    required: bool = False
    strict: bool = True
    within: str | None = None
    ready_made: bool = False


@cache
def required_fields() -> frozenset[str]:
    """Return the dotted names of the required fields of the offer schema, without id and revision."""
    schema = schemas.schema("offer")
    found: set[str] = set()
    for name in set(schema["required"]) - {"id", "revision"}:
        inner = schema["$defs"].get(name, {}).get("required")
        found |= {name} if inner is None else {f"{name}.{child}" for child in inner}
    return frozenset(found)


def watched_paths(
    own_id: Rule, fields: Mapping[str, Rule], extensions: Mapping[str, Rule], *, own: frozenset[str]
) -> tuple[Watched, ...]:
    """Return the paths to watch. ``own``: the fields and extensions of the platform's own mapping.

    A ready-made mapping names paths that many feeds do not have: only those of required fields are watched, to find
    misspelt ones.
    """
    found = list(_of_rule("/mapping/id", own_id, required=True))
    for name, rule in fields.items():
        required = name in required_fields() and _is_strict(rule)
        pointer = f"/mapping/fields/{name}"
        if name in own:
            found += _of_rule(pointer, rule, required=required)
        elif required:
            found += [replace(one, ready_made=True) for one in _of_rule(pointer, rule, required=False)]
    for name, rule in extensions.items():
        if name in own:
            found += _of_rule(f"/mapping/extensions/{name}", rule, required=False)
    return tuple(found)


def used_paths(
    own_id: Rule, fields: Mapping[str, Rule], extensions: Mapping[str, Rule], only: tuple[Condition, ...]
) -> frozenset[Path]:
    """Return every path of the mapping."""
    rules = (own_id, *fields.values(), *extensions.values())
    named = {path for rule in rules for part in (rule, *rule.join) for path in _full(rule, part.paths)}
    return frozenset(named | {path for condition in only for path in condition.paths})


def _of_rule(pointer: str, rule: Rule, *, required: bool) -> Iterator[Watched]:
    strict = _is_strict(rule)
    if rule.paths:
        paths = _full(rule, rule.paths)
        yield Watched(pointer=f"{pointer}/path", paths=paths, required=required, strict=strict)
        return
    named = [(index, _full(rule, part.paths)) for index, part in enumerate(rule.join) if part.paths]
    if not named:
        return
    every = tuple(path for _, paths in named for path in paths)
    yield Watched(pointer=f"{pointer}/join", paths=every, required=required, strict=strict)
    if len(named) > 1:
        for index, paths in named:
            where = f"{pointer}/join/parts/{index}/path"
            yield Watched(pointer=where, paths=paths, strict=strict, within=f"{pointer}/join")


def _full(rule: Rule, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple((*(rule.each or ()), *path) for path in paths)


def _is_strict(rule: Rule) -> bool:
    return rule.default is None and not rule.optional
