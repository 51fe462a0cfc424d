"""Schemas as logic: a literal is a schema that holds or not; branches are all the ways in which literals can hold
together for values of one kind.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import orjson

KINDS = ("null", "boolean", "number", "string", "array", "object")
_KIND_OF = {
    **dict.fromkeys(("pattern", "format", "minLength", "maxLength"), "string"),
    **dict.fromkeys(("minimum", "maximum"), "number"),
    **dict.fromkeys(("items", "minItems", "maxItems", "uniqueItems"), "array"),
    **dict.fromkeys(("properties", "required", "propertyNames", "minProperties", "maxProperties"), "object"),
    **dict.fromkeys(("beside", "dependentRequired"), "object"),
}
_FIRST = ("type", "const", "enum")
BESIDE = "beside"
"""``additionalProperties`` as a keyword that needs no other: the names beside it, and the schema."""


class Literal(NamedTuple):
    """A schema, and whether it holds."""

    schema: Any
    holds: bool = True


class Leaf(NamedTuple):
    """One keyword of the kind in question, and whether it holds. Of ``properties`` and ``required`` it has one name."""

    keyword: str
    value: Any
    holds: bool


_Option: TypeAlias = tuple[tuple[Leaf, ...], tuple[Literal, ...]]
_YES: _Option = ((), ())


def kind_of(value: Any) -> str:
    """The kind of a JSON value."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    kinds: tuple[tuple[type, str], ...] = ((str, "string"), (list, "array"), (dict, "object"))
    return next((kind for one, kind in kinds if isinstance(value, one)), "number")


def conjuncts(schema: Any) -> list[dict[str, Any]]:
    """A schema as schemas of one keyword each, all of which must hold; ``if`` has its branches."""
    if isinstance(schema, bool):
        return [] if schema else [{"anyOf": []}]
    return [one for keyword in sorted(schema, key=lambda one: one not in _FIRST) for one in _split(keyword, schema)]


def _split(keyword: str, schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    value = schema[keyword]
    if keyword == "allOf":
        return [one for inner in value for one in conjuncts(inner)]
    if keyword == "properties":
        return [{keyword: {name: inner}} for name, inner in value.items()]
    if keyword == "required":
        return [{keyword: [name]} for name in value]
    if keyword == "dependentRequired":
        return [{keyword: {name: [one]}} for name, needed in value.items() for one in needed]
    if keyword == "additionalProperties":
        return [{BESIDE: [sorted(schema.get("properties", ())), value]}]
    if keyword == "if":
        return [{one: schema[one] for one in ("if", "then", "else") if one in schema}]
    if keyword in {"then", "else"} or (keyword == "uniqueItems" and not value):
        return []
    return [{keyword: value}]


def branches(
    literals: tuple[Literal, ...], kind: str, known: frozenset[bytes] = frozenset()
) -> Iterator[tuple[Leaf, ...]]:
    """Every way in which the literals hold for a value of a kind: leaves that must hold together. Those that hold come
    first, so that parts of the others that are ``known`` to hold are passed over.
    """
    if not literals:
        yield ()
        return
    first, *rest = sorted(literals, key=lambda one: not one.holds)
    parts = conjuncts(first.schema)
    if first.holds and len(parts) != 1:
        yield from branches((*(Literal(part) for part in parts), *rest), kind, known)
        return
    if first.holds:
        known |= {orjson.dumps(parts[0])}
    for part in parts:
        if first.holds or orjson.dumps(part) not in known:
            for leaves, inner in _of_keyword(part, kind, holds=first.holds):
                for more in branches((*inner, *rest), kind, known):
                    yield (*leaves, *more)


def _of_keyword(part: dict[str, Any], kind: str, *, holds: bool) -> Iterator[_Option]:
    keyword, value = next(iter(part.items()))
    if keyword == "type":
        yield from _of_type({value} if isinstance(value, str) else {*value}, kind, holds=holds)
    elif keyword in {"enum", "const"}:
        values = tuple(one for one in (value if keyword == "enum" else [value]) if kind_of(one) == kind)
        if values or not holds:
            yield ((Leaf("enum", values, holds),) if values else (), ())
    elif keyword in {"not", "anyOf", "if"}:
        yield from _of_logic(keyword, part, holds=holds)
    elif _KIND_OF[keyword] != kind:
        yield from [_YES] * holds
    else:
        yield from _of_members(keyword, value, holds=holds)


def _of_logic(keyword: str, part: dict[str, Any], *, holds: bool) -> Iterator[_Option]:
    value = part[keyword]
    if keyword == "not":
        yield (), (Literal(value, not holds),)
    elif keyword == "if":
        for met, name in ((True, "then"), (False, "else")):
            if holds or name in part:
                yield (), (Literal(value, met), *([Literal(part[name], holds)] if name in part else ()))
    elif holds:
        yield from (((), (Literal(one),)) for one in value)
    else:
        yield (), tuple(Literal(one, holds=False) for one in value)


def _of_type(types: set[str], kind: str, *, holds: bool) -> Iterator[_Option]:
    if kind == "number" and "integer" in types and "number" not in types:
        yield (Leaf("integer", True, holds),), ()
    elif (kind in types) is holds:
        yield _YES


def _of_members(keyword: str, value: Any, *, holds: bool) -> Iterator[_Option]:
    if keyword == "properties":
        ((name, inner),) = value.items()
        yield (Leaf(keyword, (name, inner), holds),), ()
    elif keyword == "required":
        yield (Leaf(keyword, value[0], holds),), ()
    elif keyword == "dependentRequired":
        ((name, (needed,)),) = value.items()
        if holds:
            yield (Leaf("required", name, False),), ()
            yield (Leaf("required", needed, True),), ()
        else:
            yield (Leaf("required", name, True), Leaf("required", needed, False)), ()
    else:
        yield (Leaf(keyword, value, holds),), ()


def key_of(value: Any) -> bytes:
    """Equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
