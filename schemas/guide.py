"""Guidance on schema keys: the description of a key in French and English, and the keys allowed beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.bundle import FRENCH, self_contained
from schemas.spoken import Spoken

Part = Mapping[str, Any]


def help_for(name: str, pointer: str, document: object) -> Spoken | None:
    """The description of the value at a JSON Pointer of a document, else that of the nearest parent; None if the schema
    has none in both languages.
    """
    steps = _steps(pointer)
    for length in range(len(steps), 0, -1):
        for part in _parts_at(name, steps[:length], document):
            if isinstance(text := part.get("description"), str) and FRENCH in part:
                return Spoken(text, part[FRENCH])
    return None


def keys_at(name: str, pointer: str, document: object) -> Sequence[str]:
    """The keys that the object at a JSON Pointer of a document may have, in the schema's order."""
    found: dict[str, None] = {}
    for part in _parts_at(name, _steps(pointer), document):
        found.update(dict.fromkeys(part.get("properties", ())))
    return list(found)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _parts_at(name: str, steps: Sequence[str], document: object) -> list[Part]:
    """The parts of the schema that apply to the value at the end of the steps, the nearest description first."""
    whole = self_contained(name)
    value: Any = document
    parts = list(_applying(whole, value, whole))
    for step in steps:
        value = _member(value, step)
        parts = [inner for part in parts for child in _children(part, step) for inner in _applying(child, value, whole)]
    return parts


def _applying(part: Any, value: Any, whole: Part) -> Iterator[Part]:
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


def _holds(condition: Part, value: Any) -> bool:
    """Whether a condition on constant members holds: the only kind of condition in these schemas."""
    constants = {key: one["const"] for key, one in condition.get("properties", {}).items() if "const" in one}
    return isinstance(value, Mapping) and all(value.get(key) == one for key, one in constants.items())


def _children(part: Part, step: str) -> Iterator[Any]:
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
