"""Mappings ready for use: where the items of a feed are, and a rule for each field of an offer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeAlias

import schemas
from adapters.formats.condition import Condition, load_condition
from adapters.formats.mapping_document import Idle, find_idle, find_problems, merge
from adapters.formats.path import Path, parse_path
from adapters.formats.problem import ReadingProblem, for_profile, problem
from adapters.formats.rule import OTHERS, MappingRule, RulePart, Watched, is_guarded, required_fields, watched_paths
from adapters.formats.sector import SECTOR_FIELD, sector_rule_in_codes
from adapters.formats.take import load_takes
from adapters.formats.text import fold
from schemas import Problem
from schemas.bilingual import json_type
from schemas.decode import type_name


@dataclass(frozen=True, slots=True)
class Elements:
    """XML elements at one path."""

    path: Path


@dataclass(frozen=True, slots=True)
class Objects:
    """JSON objects at the paths; ``linked``: JSON-LD, possibly in HTML pages; ``keyed``: the members of the objects
    at the paths are the items.
    """

    paths: tuple[Path, ...]
    linked: bool = False
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON object per line (NDJSON)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of CSV; ``needed``: for each required column, its alternative names."""

    separator: str | None
    columns: tuple[str, ...] | None
    needed: tuple[tuple[str, ...], ...]


Source: TypeAlias = Elements | Objects | JsonLines | Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedMapping:
    """A mapping ready for use: finds and reads the items of a feed."""

    source: Source
    encoding: str | None
    id: MappingRule
    only: tuple[Condition, ...]
    fields: Mapping[str, MappingRule]
    extensions: Mapping[str, MappingRule]
    watched: tuple[Watched, ...] = ()
    """The paths that every feed is expected to have."""
    used: frozenset[Path] = frozenset()
    """Every path of the mapping."""
    warnings: tuple[ReadingProblem, ...] = ()
    """Problems of the mapping itself, repeated by each reading."""
    optional: Mapping[str, str] = field(default_factory=dict)
    """The paths of each field that is optional by its rule and by the schema, by its JSON Pointer in the offer."""


def load_mapping(form: str, document: object = None, *, stored: bool = False) -> FeedMapping | tuple[Problem, ...]:
    """The mapping of a decoded document for the format ``form`` (one of ``FORMATS``), or all its problems.

    The ready-made formats need no document. ``stored``: the mapping is already in use, so keys without effect are
    warnings. Raises KeyError for an unknown format.
    """
    document = {} if document is None else document
    if not isinstance(document, dict):
        wrong = schemas.problem("wrong-type", expected=json_type("object"), actual=type_name(document))
        return (for_profile(wrong, "mapping", document),)
    if problems := tuple(for_profile(found, "mapping", document) for found in find_problems(form, document)):
        return problems
    idle = tuple(find_idle(form, document))
    if idle and not stored:
        return tuple(_of_idle("mapping-key-without-effect", one) for one in idle)
    own = frozenset(
        f"/mapping/{group}/{name}" for group in ("fields", "extensions") for name in document.get(group, ())
    )
    warnings = tuple(_of_idle("mapping-key-ignored", one, prefix="/mapping") for one in idle)
    return replace(_load(form, merge(form, document), own | {"/mapping/id"}), warnings=warnings)


def _of_idle(code: str, idle: Idle, *, prefix: str = "") -> ReadingProblem:
    return problem(code, pointer=prefix + idle.pointer, actual=idle.key, reason=idle.reason)


def _load(form: str, document: dict[str, Any], own: frozenset[str]) -> FeedMapping:
    fields = {
        name: _rule(sector_rule_in_codes(rule) if name == SECTOR_FIELD else rule)
        for name, rule in document["fields"].items()
    }
    pair = [name for name in ("location.latitude", "location.longitude") if name in fields]
    if any(fields[name].optional for name in pair):  # half a pair says nothing
        fields |= {name: replace(fields[name], optional=True) for name in pair}
    extensions = {name: _rule(rule) for name, rule in document.get("extensions", {}).items()}
    only = tuple(load_condition(condition, _paths(condition["path"])) for condition in document.get("only", ()))
    rules = {
        "/mapping/id": _rule(document["id"]),
        **{f"/mapping/fields/{name}": rule for name, rule in fields.items()},
        **{f"/mapping/extensions/{name}": rule for name, rule in extensions.items()},
    }
    used = {path for rule in rules.values() for part in rule.parts for path in rule.full_paths(part)}
    used |= {path for condition in only for path in condition.paths}
    return FeedMapping(
        source=_source(form, document.get("source", {}), _needed(rules, only)),
        encoding=document.get("source", {}).get("encoding"),
        id=rules["/mapping/id"],
        only=only,
        fields=fields,
        extensions=extensions,
        watched=(*watched_paths(rules, own=own), *_watched_conditions(only)),
        used=frozenset(used),
        optional=MappingProxyType(
            {
                f"/{name.replace('.', '/')}": rule.source
                for name, rule in fields.items()
                if rule.optional and f"/mapping/fields/{name}" not in required_fields()
            }
        ),
    )


def _source(form: str, source: dict[str, Any], needed: tuple[tuple[str, ...], ...]) -> Source:
    match form:
        case "csv":
            columns = source.get("columns")
            return Rows(source.get("separator"), None if columns is None else tuple(columns), needed)
        case "json" if source.get("lines"):
            return JsonLines()
        case "json" | "jobposting":
            items = _paths(source.get("items", ""))
            return Objects(items, linked=form == "jobposting", keyed=source.get("keyed", False))
    return Elements(parse_path(source["items"]))


def _watched_conditions(only: tuple[Condition, ...]) -> Iterator[Watched]:
    """The paths of conditions that an item without them meets."""
    for index, condition in enumerate(only):
        if condition.excludes:
            yield Watched(pointer=f"/mapping/only/{index}/path", paths=condition.paths)


def _needed(rules: Mapping[str, MappingRule], only: tuple[Condition, ...]) -> tuple[tuple[str, ...], ...]:
    """The first names of the paths that a table must have: those of required and of restricting fields."""
    guarded = [rule for pointer, rule in rules.items() if rule.strict and is_guarded(pointer)]
    paths = [part.paths for rule in guarded for part in rule.parts]
    paths += [condition.paths for condition in only]
    return tuple(dict.fromkeys(tuple(path[0] for path in known if path) for known in paths if known))


def _paths(value: str | list[str]) -> tuple[Path, ...]:
    return tuple(map(parse_path, [value] if isinstance(value, str) else value))


def _rule(rule: dict[str, Any]) -> MappingRule:
    join = rule.get("join", {})
    return MappingRule(
        **_part(rule),
        each=parse_path(rule["each"]) if "each" in rule else None,
        join=tuple(RulePart(**_part(part)) for part in join.get("parts", ())),
        glue=join.get("with", ""),
        default=rule.get("default"),
        optional=rule.get("optional", False),
        school_weeks=rule.get("school_weeks", False),
    )


def _part(part: dict[str, Any]) -> dict[str, Any]:
    values = part.get("map")
    return {
        "paths": _paths(part["path"]) if "path" in part else (),
        "constant": part.get("constant"),
        "html": part.get("html", False),
        "takes": load_takes(part["take"]) if "take" in part else (),
        "split": part.get("split"),
        "date": part.get("date"),
        "time": part.get("time"),
        "value_map": values and {key if key == OTHERS else fold(key): meant for key, meant in values.items()},
        "unmatched": part.get("unmatched"),
        "cut": part.get("cut"),
    }
