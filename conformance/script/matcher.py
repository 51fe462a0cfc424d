"""Matchers: what a JSON value must be, said as JSON; and every way in which one is not what it must be.

A plain value matches itself, an object one that has at least these members, a list one with these items in order.
An object with one key in ``$…`` is an operator; the schema ``case`` lists them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import schemas
from conformance.model.result import Finding

_SHOWN = 200
MISSING = object()
"""Stands for a member that is not there."""


def mismatches(matcher: Any, value: Any, place: str) -> list[Finding]:
    """What is wrong with the value; nothing when it matches."""
    return list(_compare(matcher, value, place))


def _compare(matcher: Any, value: Any, place: str) -> Iterator[Finding]:
    if isinstance(matcher, Mapping):
        operator = next(iter(matcher), "")
        if operator.startswith("$"):
            yield from _operate(operator, matcher[operator], value, place)
        elif not isinstance(value, Mapping):
            yield _wrong(place, "an object", value)
        else:
            for key, part in matcher.items():
                yield from _compare(part, value.get(key, MISSING), f"{place}/{key}")
    elif isinstance(matcher, list):
        if not isinstance(value, list) or len(value) != len(matcher):
            yield _wrong(place, f"a list of {len(matcher)}", value)
            return
        for index, (part, item) in enumerate(zip(matcher, value, strict=True)):
            yield from _compare(part, item, f"{place}/{index}")
    elif type(matcher) is not type(value) or matcher != value:
        yield _wrong(place, shown(matcher), value)


def _operate(operator: str, argument: Any, value: Any, place: str) -> Iterator[Finding]:
    match operator:
        case "$schema":
            yield from _follow_schema(argument, value, place)
        case "$holds":
            yield from _hold(argument, value, place)
        case _ if operator in _TESTS:
            expected, test = _TESTS[operator]
            if not test(argument, value):
                yield _wrong(place, expected.format(shown(argument)), value)
        case _:
            raise ValueError(f"{operator} is no matcher")


def _is_above(limit: float, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > limit


def _lacks(parts: list[Any], value: Any) -> bool:
    return isinstance(value, list) and all(mismatches(part, item, "") for part in parts for item in value)


_TESTS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "$absent": ("nothing", lambda _, value: value is MISSING),
    "$present": ("anything", lambda _, value: value is not MISSING and value is not None),
    "$matches": ("a text like {}", lambda form, value: isinstance(value, str) and bool(re.search(form, value))),
    "$above": ("a number above {}", _is_above),
    "$in": ("one of {}", lambda parts, value: any(not mismatches(part, value, "") for part in parts)),
    "$not": ("anything but {}", lambda part, value: bool(mismatches(part, value, ""))),
    "$size": ("{} of them", lambda size, value: isinstance(value, list | str | Mapping) and len(value) == size),
    "$lacks": ("none of {}", _lacks),
}
"""Operators that look at the value alone: what is expected, in words, and whether it is so."""


def _hold(parts: list[Any], value: Any, place: str) -> Iterator[Finding]:
    """Each part matches some item of the list."""
    items = value if isinstance(value, list) else []
    for part in parts:
        if all(mismatches(part, item, place) for item in items):
            yield _wrong(place, "an item like " + shown(part), value)


def _follow_schema(name: str, value: Any, place: str) -> Iterator[Finding]:
    if value is MISSING:
        yield _wrong(place, f"a document of the schema {name}", value)
        return
    for error in schemas.validator(name).iter_errors(value):
        where = "".join(f"/{step}" for step in error.absolute_path)
        yield Finding(place + where, f"what the schema {name} says", error.message[:_SHOWN])


def _wrong(place: str, expected: str, value: Any) -> Finding:
    return Finding(place, expected, "nothing" if value is MISSING else shown(value))


def shown(value: Any) -> str:
    """A value as a report shows it: short, and without personal data."""
    text = schemas.redact(value if isinstance(value, str) else _written(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _written(value: Any) -> str:
    match value:
        case Mapping():
            return "{" + ", ".join(f"{key}: {_written(part)}" for key, part in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_written, value)) + "]"
        case None:
            return "null"
        case bool():
            return str(value).lower()
    return str(value)
