"""Bundles: JSON Schemas as self-contained documents, and guidance on the keys of a schema.

The bundle of a schema is plain JSON Schema 2020-12 for editors. Its descriptions are French, then English: the schemas
hold the French text in ``x-fr`` beside the English ``description``.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from schemas.bilingual import Bilingual
from schemas.derived import HARMLESS
from schemas.registry import schema, schema_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FRENCH = "x-fr"
_OWN = frozenset({"$id", "$schema", "title", "x-version"})


@cache
def bundled_schema(name: str) -> dict[str, Any]:
    """The bundle of a schema such as ``profile``, for editors. Raises FileNotFoundError. Cached: do not modify."""
    bundle: dict[str, Any] = _bilingual(self_contained(name))
    return bundle


@cache
def self_contained(name: str) -> dict[str, Any]:
    """The schema of that name without external references. Raises FileNotFoundError. Cached: do not modify."""
    homes = {schema(known)["$id"]: known for known in schema_names()}
    inside: dict[str, dict[str, Any]] = {}
    waiting = sorted(_referred(schema(name), homes) - {name})
    while waiting:
        other = waiting.pop()
        inside[other] = schema(other)
        waiting += sorted(_referred(inside[other], homes) - {name, *inside, *waiting})
    targets = {schema(known)["$id"]: "#" if known == name else f"#/$defs/{known}" for known in (name, *inside)}
    document: dict[str, Any] = retarget(schema(name), targets, home="#")
    for other, body in sorted(inside.items()):
        document.setdefault("$defs", {})[other] = {
            key: retarget(part, targets, home=f"#/$defs/{other}") for key, part in body.items() if key not in _OWN
        }
    return {"$schema": DIALECT, **{key: part for key, part in document.items() if key != "$schema"}}


def _referred(value: Any, homes: dict[str, str]) -> set[str]:
    """The names of the schemas that a part references."""
    if isinstance(value, list):
        return set().union(*(_referred(item, homes) for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    found = set().union(*(_referred(item, homes) for item in value.values())) if value else set()
    base = value["$ref"].partition("#")[0] if isinstance(value.get("$ref"), str) else ""
    return found | ({homes[base]} if base in homes else set())


def retarget(value: Any, targets: dict[str, str], *, home: str) -> Any:
    """A copy whose references to schemas point to the targets; other references are relative to ``home``, the pointer
    of this part.
    """
    if isinstance(value, list):
        return [retarget(item, targets, home=home) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: retarget(item, targets, home=home) for key, item in value.items()}
    if isinstance(reference := value.get("$ref"), str):
        base, _, fragment = reference.partition("#")
        copy["$ref"] = (targets[base] if base else home) + fragment
    return copy


def _bilingual(value: Any) -> Any:
    """A copy whose descriptions are French, then English."""
    if isinstance(value, list):
        return [_bilingual(item) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _bilingual(item) for key, item in value.items() if key not in {FRENCH, HARMLESS}}
    if isinstance(french := value.get(FRENCH), str):
        copy["description"] = f"{french}\n\n{value['description']}"
    return copy


SchemaPart = Mapping[str, Any]


def help_for(name: str, pointer: str, document: object) -> Bilingual | None:
    """The description of the value at a JSON Pointer of a document, else that of the nearest parent; None if the schema
    has none in both languages.
    """
    steps = _steps(pointer)
    for length in range(len(steps), 0, -1):
        for part in _parts_at(name, steps[:length], document):
            if isinstance(text := part.get("description"), str) and FRENCH in part:
                return Bilingual(text, part[FRENCH])
    return None


def keys_at(name: str, pointer: str, document: object) -> Sequence[str]:
    """The keys that the object at a JSON Pointer of a document may have, in the schema's order."""
    found: dict[str, None] = {}
    for part in _parts_at(name, _steps(pointer), document):
        found.update(dict.fromkeys(part.get("properties", ())))
    return list(found)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _parts_at(name: str, steps: Sequence[str], document: object) -> list[SchemaPart]:
    """The parts of the schema that apply to the value at the end of the steps, the nearest description first."""
    whole = self_contained(name)
    value: Any = document
    parts = list(_applying(whole, value, whole))
    for step in steps:
        value = _member(value, step)
        parts = [inner for part in parts for child in _children(part, step) for inner in _applying(child, value, whole)]
    return parts


def _applying(part: Any, value: Any, whole: SchemaPart) -> Iterator[SchemaPart]:
    """A part of the schema, the parts that it references, and its branches for this value."""
    if not isinstance(part, Mapping):
        return
    yield part
    if isinstance(reference := part.get("$ref"), str):
        target: Any = whole
        for step in _steps(reference.removeprefix("#")):
            target = target[step]
        yield from _applying(target, value, whole)
    for one in part.get("allOf", ()):
        yield from _applying(one, value, whole)
    if "if" in part:
        yield from _applying(part.get("then" if _holds(part["if"], value) else "else"), value, whole)


def _holds(condition: SchemaPart, value: Any) -> bool:
    """Whether a condition on constant members holds: the only kind of condition in these schemas."""
    constants = {key: one["const"] for key, one in condition.get("properties", {}).items() if "const" in one}
    return isinstance(value, Mapping) and all(value.get(key) == one for key, one in constants.items())


def _children(part: SchemaPart, step: str) -> Iterator[Any]:
    properties = part.get("properties", {})
    if step in properties:
        yield properties[step]
    elif isinstance(part.get("additionalProperties"), Mapping):
        yield part["additionalProperties"]
    if step.isdigit() and "items" in part:
        yield part["items"]


def _member(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return value[int(step)]
    return None
