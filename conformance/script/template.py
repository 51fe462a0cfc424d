"""Templates: JSON values with names for the values of one run, and a short form of long texts."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

_NAME = re.compile(r"\$\{([^}]+)\}")


class Lookup(Protocol):
    """Lookup of a name's value."""

    def __getitem__(self, expression: str, /) -> Any:
        """The value. Raises UnknownNameError."""


def fill(template: Any, names: Lookup) -> Any:
    """The value with every name filled in, also in keys. A text that is a single name becomes that name's value of any
    type; ``{"$repeat": text, "times": n}`` becomes a text. Raises UnknownNameError.
    """
    match template:
        case str():
            return _fill_text(template, names)
        case {"$repeat": str(part), "times": int(times)}:
            return part * times
        case dict():
            return {_fill_key(key, names): fill(value, names) for key, value in template.items()}
        case list():
            return [fill(item, names) for item in template]
    return template


def _fill_text(text: str, names: Lookup) -> Any:
    whole = _NAME.fullmatch(text)
    if whole is not None:
        return names[whole[1]]
    return _fill_key(text, names)


def _fill_key(text: str, names: Lookup) -> str:
    return _NAME.sub(lambda found: str(names[found[1]]), text)


def changed(base: Mapping[str, Any], *, put: Mapping[str, Any], drop: list[str]) -> dict[str, Any]:
    """A copy of a JSON object with values set at the JSON Pointers in ``put``, and those in ``drop`` removed."""
    document: dict[str, Any] = _copy(base)
    for pointer, value in put.items():
        parent, name = _parent(document, pointer)
        parent[name] = value
    for pointer in drop:
        parent, name = _parent(document, pointer)
        parent.pop(name, None)
    return document


def _parent(document: dict[str, Any], pointer: str) -> tuple[dict[str, Any], str]:
    *steps, name = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in steps:
        document = document.setdefault(step, {})
    return document, name


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(member) for key, member in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def value_at(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer, None where there is none."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        match document:
            case dict():
                document = document.get(key)
            case list() if key.isdigit() and int(key) < len(document):
                document = document[int(key)]
            case _:
                return None
    return document
