"""Bundles: a JSON Schema as one self-contained document for editors; includes every schema that it references.

The result is plain JSON Schema 2020-12. Its descriptions are French, then English: the schemas hold the French text
in ``x-fr`` beside the English ``description``.
"""

from functools import cache
from typing import Any

from schemas.registry import schema, schema_names

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FRENCH = "x-fr"
_OWN = frozenset({"$id", "$schema", "title"})


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
    document: dict[str, Any] = _retargeted(schema(name), targets, home="#")
    for other, body in sorted(inside.items()):
        document.setdefault("$defs", {})[other] = {
            key: _retargeted(part, targets, home=f"#/$defs/{other}") for key, part in body.items() if key not in _OWN
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


def _retargeted(value: Any, targets: dict[str, str], *, home: str) -> Any:
    """A copy whose references point within the bundle."""
    if isinstance(value, list):
        return [_retargeted(item, targets, home=home) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _retargeted(item, targets, home=home) for key, item in value.items()}
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
    copy = {key: _bilingual(item) for key, item in value.items() if key != FRENCH}
    if isinstance(french := value.get(FRENCH), str):
        copy["description"] = f"{french}\n\n{value['description']}"
    return copy
