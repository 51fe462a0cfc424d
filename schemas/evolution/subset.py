"""The JSON Schema keywords of the schemas on the wire: a closed list, whose combination is decidable. Every other
keyword, and recursion, is refused by name and pointer.

``resolved`` gives a schema without references and annotations, as the other modules read it.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from schemas.evolution.automaton import automaton
from schemas.evolution.pattern import PatternError
from schemas.offer_field import BEGINS, REPLACES

FORMATS: Mapping[str, str] = {
    "date": "^(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)$",
}
"""Formats as patterns. ``date-time`` is one of ``date`` and what ``_DATE_TIME`` adds, in UTC."""
_DATE_TIME = "[Tt](?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|23:59:60)(?:\\.[0-9]+)?[Zz]$"
_ONE = frozenset({"not", "if", "then", "else", "items", "additionalProperties", "propertyNames"})
_MANY = frozenset({"allOf", "anyOf"})
_NAMED = frozenset({"properties", "$defs"})
_LEAVES = frozenset(
    {
        *("type", "enum", "const", "pattern", "format", "minLength", "maxLength", "minimum", "maximum"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required", "dependentRequired"),
    }
)
_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "default"})
KEYWORDS = _ONE | _MANY | _LEAVES | {"properties", "$ref"}
"""The keywords that decide."""
_SCALARS = (str, int, float, bool, type(None))


class SubsetError(ValueError):
    """A schema uses what cannot be compared. The message names it and where it is."""


def find_foreign(name: str, schemas: Mapping[str, Any]) -> list[str]:
    """Everything that a schema uses outside the subset, each with its pointer; empty if it can be compared."""
    found = [*_foreign(schemas[name], name)]
    if not found:
        try:
            resolved(name, schemas)
        except SubsetError as error:
            found.append(str(error))
    return found


def _foreign(part: Any, at: str) -> Iterator[str]:
    if isinstance(part, bool):
        return
    if part.get("format") == "date-time" and not str(part.get("pattern", "")).endswith("Z$"):
        yield f"{at}/format: date-time without a pattern beside it that ends with Z$, for leap seconds have offsets"
    for keyword, value in part.items():
        here = f"{at}/{keyword}"
        if keyword in _NAMED:
            for name, inner in value.items():
                yield from _foreign(inner, f"{here}/{name}")
        elif keyword in _MANY:
            for index, inner in enumerate(value):
                yield from _foreign(inner, f"{here}/{index}")
        elif keyword in _ONE:
            yield from _foreign(value, here)
        elif keyword not in KEYWORDS | _ANNOTATIONS and not keyword.startswith("x-"):
            yield f"{here}: the keyword {keyword} is not in the list of schemas/evolution/subset.py"
        else:
            yield from _foreign_value(keyword, value, here)


def _foreign_value(keyword: str, value: Any, at: str) -> Iterator[str]:
    if keyword == "pattern":
        try:
            automaton(value)
        except PatternError as error:
            yield f"{at}: {error}"
    elif keyword == "format" and value not in (*FORMATS, "date-time"):
        yield f"{at}: the format {value} is no regular language known here"
    elif keyword in {"const", "enum"} and not all(
        isinstance(one, _SCALARS) for one in (value if keyword == "enum" else [value])
    ):
        yield f"{at}: a value that is an object or a list"


def resolved(name: str, schemas: Mapping[str, Any]) -> Any:
    """The schema of that name without references and annotations. Raises SubsetError."""
    homes = {body["$id"]: body for body in schemas.values()}

    def plain(part: Any, home: Mapping[str, Any], above: tuple[str, ...]) -> Any:
        if isinstance(part, bool):
            return part
        found: dict[str, Any] = {}
        for keyword, value in part.items():
            if keyword in _ANNOTATIONS or keyword.startswith("x-") or keyword == "$ref":
                continue
            if keyword == "properties":
                found[keyword] = {name: plain(inner, home, above) for name, inner in value.items()}
            elif keyword in _MANY:
                found[keyword] = [plain(inner, home, above) for inner in value]
            elif keyword in _ONE:
                found[keyword] = plain(value, home, above)
            else:
                found[keyword] = value
        if "$ref" in part:
            base, _, fragment = part["$ref"].partition("#")
            target_home = homes[base] if base else home
            anchor = f"{target_home['$id']}#{fragment}"
            if anchor in above:
                raise SubsetError(f"{name}: recursion through {anchor}")
            target = plain(_at(target_home, fragment), target_home, (*above, anchor))
            found["allOf"] = [target, *found.get("allOf", ())]
        return found

    return plain(schemas[name], schemas[name], (f"{schemas[name]['$id']}#",))


def _at(schema: Mapping[str, Any], fragment: str) -> Any:
    steps = (step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:])
    return reduce(lambda part, step: part[step], steps, schema)


def bare(part: Any) -> Any:
    """A schema without annotations but its name, references and definitions."""
    if isinstance(part, list):
        return [bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        keyword: {name: bare(inner) for name, inner in value.items()} if keyword in _NAMED else bare(value)
        for keyword, value in part.items()
        if keyword in {"$id", "$defs", "$ref", "x-version", BEGINS, REPLACES}
        or not (keyword in _ANNOTATIONS or keyword.startswith("x-"))
    }


def format_pattern(name: str) -> str:
    """A format as a pattern."""
    return FORMATS["date"].removesuffix("$") + _DATE_TIME if name == "date-time" else FORMATS[name]
