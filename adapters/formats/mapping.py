"""Load mappings: check the document and prepare its rules for reading a feed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import schemas
from adapters.formats import sector_rule
from adapters.formats.author import for_profile
from adapters.formats.effect import Idle, find_idle
from adapters.formats.path import Path, parse_path
from adapters.formats.pattern import is_day_pattern, is_time_pattern
from adapters.formats.problem import ReadingProblem, problem
from adapters.formats.rule import OTHERS, Condition, Part, Rule
from adapters.formats.text import fold
from adapters.formats.watched import Watched, used_paths, watched_paths
from schemas import Problem
from schemas.decode import type_name
from schemas.explain import explain
from schemas.packaged import read_json
from schemas.registry import fast_validator
from schemas.spoken import json_type

READY_MADE = ("cleverconnect", "jobposting")
"""Formats with a complete mapping of their own; a platform's mapping only holds the differences."""

FORMATS = (*READY_MADE, "csv", "json", "xml")

_KEYS: Mapping[str, tuple[str, ...]] = {
    "cleverconnect": ("encoding", "items"),
    "jobposting": ("encoding", "items"),
    "csv": ("encoding", "separator", "columns"),
    "json": ("encoding", "items", "lines"),
    "xml": ("encoding", "items"),
}


@dataclass(frozen=True, slots=True)
class Elements:
    """XML elements at one path."""

    path: Path


@dataclass(frozen=True, slots=True)
class Objects:
    """JSON objects at the paths; ``linked``: JSON-LD, possibly in HTML pages."""

    paths: tuple[Path, ...]
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """One JSON object per line (NDJSON)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of CSV; ``needed``: for each required column, its alternative names."""

    separator: str | None
    columns: tuple[str, ...] | None
    needed: tuple[tuple[str, ...], ...]


Source: TypeAlias = Elements | Objects | Lines | Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedMapping:
    """A mapping ready for use: finds and reads the items of a feed."""

    source: Source
    encoding: str | None
    id: Rule
    only: tuple[Condition, ...]
    fields: Mapping[str, Rule]
    extensions: Mapping[str, Rule]
    watched: tuple[Watched, ...] = ()
    """The paths that every feed is expected to have."""
    used: frozenset[Path] = frozenset()
    """Every path of the mapping."""
    warnings: tuple[ReadingProblem, ...] = ()
    """Problems of the mapping itself, repeated by each reading."""


def load_mapping(form: str, document: object = None, *, stored: bool = False) -> FeedMapping | tuple[Problem, ...]:
    """Return the mapping of a decoded document for the format ``form`` (one of ``FORMATS``), or all its problems.

    The ready-made formats need no document. ``stored``: the mapping is already in use, so keys without effect are
    warnings. Raises KeyError for an unknown format.
    """
    keys = _KEYS[form]
    document = {} if document is None else document
    if not isinstance(document, dict):
        wrong = schemas.problem("wrong-type", expected=json_type("object"), actual=type_name(document))
        return (for_profile(wrong, "mapping", document),)
    if problems := tuple(for_profile(found, "mapping", document) for found in _find_problems(form, document, keys)):
        return problems
    idle = tuple(find_idle(form, document))
    if idle and not stored:
        return tuple(_of_idle("mapping-key-without-effect", one) for one in idle)
    own = frozenset((*document.get("fields", ()), *document.get("extensions", ())))
    warnings = tuple(_of_idle("mapping-key-ignored", one, prefix="/mapping") for one in idle)
    return replace(_load(form, _merge(form, document), own), warnings=warnings)


def _of_idle(code: str, idle: Idle, *, prefix: str = "") -> ReadingProblem:
    return problem(code, pointer=prefix + idle.pointer, actual=idle.key, reason=idle.reason)


def _find_problems(form: str, document: dict[str, Any], keys: tuple[str, ...]) -> Iterator[Problem]:
    found = [] if fast_validator("mapping").is_valid(document) else explain("mapping", document)
    for trouble in found:
        one_of = trouble.code == "invalid" and trouble.args.get("keyword") == "oneOf"
        yield problem("mapping-rule-source", pointer=trouble.pointer) if one_of else trouble
    if found:
        return
    merged = _merge(form, document)
    for key in document.get("source", {}):
        if key not in keys:
            yield problem("mapping-key-idle", pointer=f"/source/{key}", expected=list(keys), actual=key)
    needed = [("", "id", merged), ("", "fields", merged)]
    needed += [("/source", "items", merged.get("source", {}))] if form == "xml" else []
    for parent, name, members in needed:
        if name not in members:
            yield schemas.problem("field-missing", pointer=f"{parent}/{name}", field=name)
    if form in ("xml", "cleverconnect") and isinstance(merged.get("source", {}).get("items"), list):
        yield schemas.problem(
            "wrong-type", pointer="/source/items", expected=json_type("string"), actual=json_type("array")
        )
    yield from _find_rules(document)


def _find_rules(document: dict[str, Any]) -> Iterator[Problem]:
    """Yield the problems of rules that the JSON schema cannot express."""
    for pointer, rule in _rules(document):
        for key, is_usable, example in (
            ("date", is_day_pattern, "DD/MM/YYYY"),
            ("time", is_time_pattern, "HH:mm"),
        ):
            if key in rule and not is_usable(rule[key]):
                yield problem("mapping-pattern", pointer=f"{pointer}/{key}", expected=example, actual=rule[key])
        if pointer == sector_rule.POINTER:
            yield from sector_rule.check_targets(rule)
        if "school_weeks" in rule and (pointer != "/fields/weeks" or not rule["school_weeks"]):
            yield problem("mapping-rule-source", pointer=pointer)


def _rules(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every rule and every part of a joined one, with its pointer."""
    rules = {"/id": document["id"]} if "id" in document else {}
    for name in ("fields", "extensions"):
        rules.update({f"/{name}/{key}": rule for key, rule in document.get(name, {}).items()})
    for pointer, rule in rules.items():
        yield pointer, rule
        for index, part in enumerate(rule.get("join", {}).get("parts", ())):
            yield f"{pointer}/join/parts/{index}", part


@cache
def _ready_made(form: str) -> Mapping[str, Any]:
    loaded: dict[str, Any] = read_json("mappings", f"{form}.json", package=__package__)
    return loaded


def _merge(form: str, document: dict[str, Any]) -> dict[str, Any]:
    """Merge the document over the ready-made mapping: by key, and within source, fields and extensions by field."""
    if form not in READY_MADE:
        return document
    base = _ready_made(form)
    inner = {key: {**base.get(key, {}), **document.get(key, {})} for key in ("source", "fields", "extensions")}
    return {**base, **document, **inner}


def _load(form: str, document: dict[str, Any], own: frozenset[str]) -> FeedMapping:
    rules = {**document["fields"]}
    if sector_rule.FIELD in rules:
        rules[sector_rule.FIELD] = sector_rule.with_codes(rules[sector_rule.FIELD])
    fields = {name: _rule(rule) for name, rule in rules.items()}
    extensions = {name: _rule(rule) for name, rule in document.get("extensions", {}).items()}
    only = tuple(
        Condition(_paths(condition["path"]), frozenset(map(fold, condition["in"])))
        for condition in document.get("only", ())
    )
    own_id = _rule(document["id"])
    needed = _needed([own_id, *fields.values(), *extensions.values()], only)
    return FeedMapping(
        source=_source(form, document.get("source", {}), needed),
        encoding=document.get("source", {}).get("encoding"),
        id=own_id,
        only=only,
        fields=fields,
        extensions=extensions,
        watched=watched_paths(own_id, fields, extensions, own=own),
        used=used_paths(own_id, fields, extensions, only),
    )


def _source(form: str, source: dict[str, Any], needed: tuple[tuple[str, ...], ...]) -> Source:
    match form:
        case "csv":
            columns = source.get("columns")
            return Rows(source.get("separator"), None if columns is None else tuple(columns), needed)
        case "json" if source.get("lines"):
            return Lines()
        case "json" | "jobposting":
            return Objects(_paths(source.get("items", "")), linked=form == "jobposting")
    return Elements(parse_path(source["items"]))


def _needed(rules: list[Rule], only: tuple[Condition, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the first names of the paths that a feed must have: a missing column changes the content of offers."""
    strict = [rule for rule in rules if rule.default is None and not rule.optional]
    paths = [part.paths for rule in strict for part in (rule, *rule.join)] + [condition.paths for condition in only]
    return tuple(dict.fromkeys(tuple(path[0] for path in known if path) for known in paths if known))


def _paths(value: str | list[str]) -> tuple[Path, ...]:
    return tuple(map(parse_path, [value] if isinstance(value, str) else value))


def _rule(rule: dict[str, Any]) -> Rule:
    join = rule.get("join", {})
    return Rule(
        **_made(rule),
        each=parse_path(rule["each"]) if "each" in rule else None,
        join=tuple(Part(**_made(part)) for part in join.get("parts", ())),
        glue=join.get("with", ""),
        cut=rule.get("cut"),
        default=rule.get("default"),
        optional=rule.get("optional", False),
        school_weeks=rule.get("school_weeks", False),
    )


def _made(part: dict[str, Any]) -> dict[str, Any]:
    values = part.get("map")
    return {
        "paths": _paths(part["path"]) if "path" in part else (),
        "constant": part.get("constant"),
        "html": part.get("html", False),
        "split": part.get("split"),
        "date": part.get("date"),
        "time": part.get("time"),
        "values": values and {key if key == OTHERS else fold(key): meant for key, meant in values.items()},
    }
