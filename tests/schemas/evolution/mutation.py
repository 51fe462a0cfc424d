"""Changes of the real schemas, made by code: each keyword tightened, loosened, moved, or rewritten without change."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any, NamedTuple

from schemas.evolution.answer import WIRE
from schemas.registry import schema, schema_names

PRESENT: Mapping[str, Any] = {name: schema(name) for name in schema_names()}
SOURCES = ("offer", "withdrawal", "submission", *WIRE[1:])
_BOUNDS = {
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum"), 1),
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum"), -1),
}
"""Keyword → the step that loosens it."""
_BESIDE = {"properties", "additionalProperties", "if", "then", "else"}
"""Keywords that mean another thing apart from their neighbours."""
UNCHANGED = {"rewritten", "moved", "doubled"}
"""Kinds that change nothing."""


class Mutation(NamedTuple):
    """A change: its kind, the keyword and the pointer that are changed, and every schema after it."""

    kind: str
    keyword: str
    pointer: str
    schemas: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.kind} {self.keyword} {self.pointer}"


def corpus(most: int = 4) -> list[Mutation]:
    """Of each keyword and kind so many changes, spread over all schemas."""
    rows: dict[tuple[str, str], list[Mutation]] = {}
    for one in mutations():
        rows.setdefault((one.keyword, one.kind), []).append(one)
    chosen = (row[at] for row in rows.values() for at in sorted({len(row) * part // most for part in range(most)}))
    return [*chosen]


def mutations(sources: Sequence[str] = SOURCES) -> Iterator[Mutation]:
    """Every change of every part of some schemas, by default those on the wire."""
    for name in sources:
        for path, part in _parts(PRESENT[name]):
            pointer = "/".join(map(str, (name, *path)))
            for kind, keyword, changed in _changes(part):
                yield Mutation(kind, keyword, pointer, _with(name, path, changed))


def _with(name: str, path: Sequence[Any], part: Any) -> Mapping[str, Any]:
    body = deepcopy(PRESENT[name])
    if path:
        reduce(lambda inner, step: inner[step], path[:-1], body)[path[-1]] = part
    else:
        body = part
    return {**PRESENT, name: body}


def _parts(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    if not isinstance(part, dict):
        return
    yield path, part
    for keyword, value in part.items():
        if keyword in {"properties", "$defs"}:
            for name, inner in value.items():
                yield from _parts(inner, (*path, keyword, name))
        elif keyword in {"allOf", "anyOf"}:
            for index, inner in enumerate(value):
                yield from _parts(inner, (*path, keyword, index))
        elif keyword in {"not", "if", "then", "else", "items", "additionalProperties", "propertyNames"}:
            yield from _parts(value, (*path, keyword))


def _changes(part: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for keyword, value in part.items():
        if keyword in {"$schema", "$id", "$defs", "title", "description", "examples", "default"} or keyword[:2] == "x-":
            continue
        if part.get("format") == "date-time" and keyword in {"format", "pattern"}:
            continue  # a moment in another form cannot be compared
        without = {name: one for name, one in part.items() if name != keyword}
        for kind, changed in _values(keyword, value, part):
            yield kind, keyword, {**part, keyword: changed}
        if keyword not in {"type", "if", "then", "else"}:
            yield "dropped", keyword, without
        if keyword not in _BESIDE | {"allOf"}:
            yield "moved", keyword, {**without, "allOf": [*part.get("allOf", ()), {keyword: value}]}
            yield "doubled", keyword, {**without, "allOf": [*part.get("allOf", ()), {"not": {"not": {keyword: value}}}]}
    yield from _whole(part)


def _whole(part: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Changes of several keywords together."""
    if "if" in part:
        rest = {name: one for name, one in part.items() if name not in {"if", "then", "else"}}
        met = {"allOf": [part["if"], part.get("then", True)]}
        missed = {"allOf": [{"not": part["if"]}, part.get("else", True)]}
        branches = [*rest.pop("allOf", ()), {"anyOf": [met, missed]}]
        yield "rewritten", "if", {**rest, "allOf": branches}
        yield "swapped", "if", {**part, "then": part.get("else", True), "else": part.get("then", True)}
        yield (
            "rewritten",
            "if",
            {**part, "if": {"not": part["if"]}, "then": part.get("else", True), "else": part.get("then", True)},
        )
    if "const" in part:
        yield (
            "rewritten",
            "const",
            {"enum" if name == "const" else name: [one] if name == "const" else one for name, one in part.items()},
        )
    if "enum" in part:
        rest = {name: one for name, one in part.items() if name != "enum"}
        yield "rewritten", "enum", {**rest, "anyOf": [{"const": one} for one in part["enum"]]}
    if part.get("type") == "object" and "additionalProperties" not in part and "properties" in part:
        yield "closed", "additionalProperties", {**part, "additionalProperties": False}
    if "dependentRequired" in part:
        rest = {name: one for name, one in part.items() if name != "dependentRequired"}
        rules = [
            {"anyOf": [{"not": {"required": [name]}}, {"required": needed}]}
            for name, needed in part["dependentRequired"].items()
        ]
        yield "rewritten", "dependentRequired", {**rest, "allOf": rules}


def _values(keyword: str, value: Any, part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if keyword in _BOUNDS:
        yield "loosened", value + _BOUNDS[keyword] if value + _BOUNDS[keyword] >= 0 or keyword == "minimum" else value
        yield "tightened", value - _BOUNDS[keyword]
        yield "rewritten", float(value)
    elif keyword == "pattern":
        yield from _patterns(value)
    elif keyword == "enum":
        yield from (("tightened", value[1:]), ("loosened", [*value, "further"]), ("rewritten", value[::-1]))
    elif keyword == "type":
        yield from _types(value)
    elif keyword == "required":
        optional = sorted(part.get("properties", {}).keys() - {*value})
        yield from (("loosened", value[1:]), ("rewritten", [*value[::-1], value[0]][: len(value)]))
        yield from (("tightened", [*value, name]) for name in optional[:2])
    elif keyword == "properties":
        yield from _properties(value)
    else:
        yield from _inner_values(keyword, value)


def _inner_values(keyword: str, value: Any) -> Iterator[tuple[str, Any]]:
    if keyword == "const":
        yield "replaced", "other"
    elif keyword in {"additionalProperties", "uniqueItems"}:
        yield "loosened" if value != (keyword == "additionalProperties") else "tightened", not value
    elif keyword == "dependentRequired":
        yield "loosened", dict([*value.items()][1:])
        yield "tightened", {**value, next(iter(value)): [*next(iter(value.values())), "street"]}
    elif keyword in {"allOf", "anyOf"}:
        yield from (("dropped-one", value[1:]), ("rewritten", value[::-1]))
        yield "widened", [*value, {"type": "null"}]
    elif keyword in {"not", "items", "then", "else", "propertyNames"}:
        yield from (("all", True), ("none", False), ("rewritten", {"allOf": [value]}))


def _types(value: str | Sequence[str]) -> Iterator[tuple[str, Any]]:
    known = [value] if isinstance(value, str) else [*value]
    yield "rewritten", known
    if "null" not in known:
        yield "loosened", [*known, "null"]
    yield "replaced", "boolean" if "boolean" not in known else "string"
    if known == ["integer"]:
        yield "loosened", "number"
    if known == ["number"]:
        yield "tightened", "integer"


def _properties(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    first, *_, last = value if len(value) > 1 else (*value, *value)
    yield "tightened", {name: one for name, one in value.items() if name != last}
    yield "loosened", {**value, "further": {"type": "string", "maxLength": 5}}
    yield "renamed", {("other" if name == last else name): one for name, one in value.items()}
    yield "rewritten", dict([*value.items()][::-1])
    yield "emptied", {**value, first: True}


def _patterns(value: str) -> Iterator[tuple[str, str]]:
    yield "rewritten", f"(?:{value})" if "|" in value or value[:1] != "^" else f"^(?:{value[1:]})"
    yield "loosened", f"{value}|^zz$"
    if value[:1] == "^" and value[-1:] == "$" and "|" not in value:
        yield "unanchored", value[1:]
        yield "unended", value[:-1]
    for old, new in (
        ("[0-9]", "[0-8]"),
        ("[A-Z]", "[A-Y]"),
        ("{4}", "{4,5}"),
        ("{2}", "[0-9]{1}"),
        ("+", "*"),
        ("a-z", "a-y"),
    ):
        if old in value and not (old == "{2}" and "[0-9]{2}" not in value):
            yield "changed", value.replace(old, new, 1)
