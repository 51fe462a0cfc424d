"""Edits of a document as data: a step names where (JSON Pointers), under which conditions, and what is done there.

``at`` holds pointers with blanks between them (``*`` for every member), or ``texts``, ``rest`` (those but title and
description) or ``urls``; ``in`` is a pointer before them. ``where`` holds regular expressions by pointer, each searched
in the value as text. A list is edited element by element with ``list``, its pointer: then ``at`` and ``where`` are
within an element.
"""

import functools
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

import orjson

Document: TypeAlias = dict[str, Any]
Step: TypeAlias = Mapping[str, Any]

TEXTS = (
    "/title",
    "/description",
    "/employer/name",
    "/employer/description",
    "/location/street",
    "/location/city",
    "/schedule/lunch_break",
)
_PARTS = {"texts": TEXTS, "rest": TEXTS[2:], "urls": ("/apply_url", "/employer/website")}
_TYPES = {"text": str, "whole": int, "number": float, "truth": bool, "list": list, "object": dict}
_TEXT_CHANGES: Mapping[str, Callable[[str, Any], Any]] = {
    "sub": lambda text, pair: re.sub(pair[0], pair[1], text),
    "subs": lambda text, pairs: functools.reduce(lambda so_far, pair: re.sub(pair[0], pair[1], so_far), pairs, text),
    "form": lambda text, given: unicodedata.normalize(given, text),
    "case": lambda text, given: getattr(text, given)(),
    "unescape": lambda text, _: html.unescape(text),
    "unquote": lambda text, _: unquote_plus(text),
    "read": lambda text, _: orjson.loads(text),
}
"""What is done to texts; other values stay as they are."""
_CHANGES: Mapping[str, Callable[[Any, Any], Any]] = {
    "set": lambda _, given: given,
    "json": lambda _, given: orjson.loads(given),
    "cut": lambda value, length: value[:length],
    "wrap": lambda value, _: [value],
    "whole": lambda value, _: int(value),
    "add": lambda value, more: value + more,
    "clamp": lambda value, ends: min(ends[1], max(ends[0], value)),
    "digits": lambda value, length: str(value).zfill(length),
    "as": lambda value, known: known.get(str(value), value),
    "once": lambda items, _: [each for index, each in enumerate(items) if each not in items[:index]],
    "each": lambda items, step: [changed(each, step) for each in items],
    "without": lambda items, given: [each for each in items if each not in orjson.loads(given)],
    "only": lambda value, names: {name: value[name] for name in value if name in names.split()},
    "lacking": lambda value, names: {name: value[name] for name in value if name not in names.split()},
}
_CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, name: isinstance(value, _TYPES[name]) and not (name == "whole" and isinstance(value, bool)),
    "is": lambda value, given: bool(value == given) and type(value) is type(given),
    "like": lambda value, pattern: re.search(pattern, value) is not None,
    "unlike": lambda value, pattern: re.search(pattern, _text(value)) is None,
    "over": lambda value, bound: bool(value > bound),
    "upto": lambda value, bound: bool(value <= bound),
    "long": lambda value, bounds: bounds[0] < len(value) <= bounds[1],
}
_WORDS = ("at", "default", "drop", "first", "in", "last", "list", "out", "wants", "where")
_KEYS = {*_TEXT_CHANGES, *_CHANGES, *_CONDITIONS, *_WORDS}


def checked(step: Step) -> Step:
    """The step. Raises ValueError for what it says beyond the known words."""
    if unknown := step.keys() - _KEYS:
        raise ValueError(f"no words of a step: {sorted(unknown)}")
    return step


def apply_steps(document: Any, steps: Iterable[Step]) -> Any:
    """The document after these steps, changed in place; whatever raises ends them."""
    for step in steps:
        _take(document, step)
    return document


def value_at(document: Any, pointer: str) -> Any:
    """The value at this pointer, None where there is none."""
    for name in pointer.split("/")[1:]:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def meets(document: Any, where: Mapping[str, str]) -> bool:
    """Whether each expression is found in the text of the value at its pointer, empty where there is none."""
    return all(re.search(pattern, _text(value_at(document, pointer))) for pointer, pattern in where.items())


def changed(value: Any, step: Step) -> Any:
    """The value after what the step says of it, in the step's order."""
    for name, given in step.items():
        if name in _CHANGES:
            value = _CHANGES[name](value, given)
        elif name in _TEXT_CHANGES and isinstance(value, str):
            value = _TEXT_CHANGES[name](value, given)
    return value


def listed(items: list[Any], step: Step) -> list[Any]:
    """The list with its elements edited, or its first ones, or with those of ``where`` left ``out`` or put ``last``."""
    if "first" in step:
        return items[: step["first"]]
    inner = {name: given for name, given in step.items() if name != "list"}
    if step.get("last"):
        return sorted(items, key=lambda each: meets(each, step["where"]))
    if step.get("out"):
        return [each for each in items if not meets(each, step.get("where", {}))]
    return [apply_steps(each, [inner]) for each in items]


def _take(document: Any, step: Step) -> None:
    if "list" in step:
        if isinstance(items := value_at(document, step["list"]), list):
            for parent, name in _members(document, step["list"]):
                parent[name] = listed(items, step)
    elif meets(document, step.get("where", {})):
        inner = value_at(document, step.get("in", ""))
        texts = {"type": "text"} if step["at"] in _PARTS else {}
        for pointer in _PARTS.get(step["at"], step["at"].split()):
            for parent, name in _members(inner, pointer):
                _change(parent, name, {**texts, **step})


def _change(parent: Document, name: str, step: Step) -> None:
    conditions = [each for each in step if each in _CONDITIONS]
    there = name in parent
    if "default" in step:
        parent.setdefault(name, step["default"])
    elif not all(there and _CONDITIONS[each](parent[name], step[each]) for each in conditions):
        return
    elif "drop" in step:
        parent.pop(name, None)
    elif there or "set" in step or "json" in step:
        parent[name] = changed(parent.get(name), step)


def _members(document: Any, pointer: str) -> Iterator[tuple[Document, str]]:
    """The members that a pointer names, each by the object that holds it, whether it is there or not."""
    *path, last = pointer.split("/")[1:]
    parents = [document]
    for name in path:
        parents = [
            inner
            for each in parents
            if isinstance(each, dict)
            for inner in (list(each.values()) if name == "*" else [each.get(name)])
        ]
    for parent in parents:
        if isinstance(parent, dict):
            yield from ((parent, name) for name in (list(parent) if last == "*" else [last]))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
