"""Matchers: expectations of a JSON value, written as JSON, and the findings of a mismatch.

A plain value matches itself, an object any object with at least these members, a list one with these items in order.
A key in ``$…`` is an operator, beside which an object may name members; the schema ``case`` lists the operators.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import schemas
from conformance.model.result import Deviation
from conformance.words import Texts, joined, plain, say
from schemas.registry import fast_validator

_MAX_CHARACTERS = 200
MISSING = object()
"""Value of an absent member."""


def mismatches(matcher: Any, value: Any, location: Texts) -> list[Deviation]:
    """The findings of a value; empty when it matches."""
    return [
        Deviation(joined((location, plain(path))), expected(), actual())
        for path, expected, actual in _compare(matcher, value, "")
    ]


def _matches(matcher: Any, value: Any) -> bool:
    return next(_compare(matcher, value, ""), None) is None


_Wrong: TypeAlias = tuple[str, Callable[[], Texts], Callable[[], Texts]]
"""JSON Pointer within the value; expected and actual text, made only where a finding is reported."""


def _compare(matcher: Any, value: Any, path: str) -> Iterator[_Wrong]:
    if isinstance(matcher, Mapping):
        operators = [key for key in matcher if key.startswith("$")]
        for operator in operators:
            yield from _operate(operator, matcher[operator], value, path)
        if len(operators) < len(matcher) or not operators:
            yield from _compare_members({key: matcher[key] for key in matcher if key not in operators}, value, path)
    elif isinstance(matcher, list):
        if not isinstance(value, list) or len(value) != len(matcher):
            yield _wrong(path, lambda: say("list-of", size=len(matcher)), value)
            return
        for index, (part, item) in enumerate(zip(matcher, value, strict=True)):
            yield from _compare(part, item, f"{path}/{index}")
    elif type(matcher) is not type(value) or matcher != value:
        yield _wrong(path, lambda: plain(render_value(matcher)), value)


def _compare_members(members: Mapping[str, Any], value: Any, path: str) -> Iterator[_Wrong]:
    if not isinstance(value, Mapping):
        yield _wrong(path, lambda: say("object"), value)
        return
    for key, part in members.items():
        yield from _compare(part, value.get(key, MISSING), f"{path}/{key}")


def _operate(operator: str, argument: Any, value: Any, path: str) -> Iterator[_Wrong]:
    match operator:
        case "$schema":
            yield from _follow_schema(argument, value, path)
        case "$holds":
            yield from _hold(argument, value, path)
        case "$all":
            for part in argument:
                yield from _compare(part, value, path)
        case _ if operator in _TESTS:
            describe, test = _TESTS[operator]
            if not test(argument, value):
                yield _wrong(path, lambda: describe(render_value(argument)), value)
        case _:
            raise ValueError(f"{operator} is no matcher")


def _is_like(form: str, value: Any) -> bool:
    return isinstance(value, str) and bool(re.search(form, value))


def _has_size(size: int, value: Any) -> bool:
    return isinstance(value, list | str | Mapping) and len(value) == size


def _is_above(limit: float, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > limit


def _is_before(limit: str, value: Any) -> bool:
    return isinstance(value, str) and value < limit


def _lacks(parts: list[Any], value: Any) -> bool:
    return isinstance(value, list) and not any(_matches(part, item) for part in parts for item in value)


_TESTS: Mapping[str, tuple[Callable[[str], Texts], Callable[[Any, Any], bool]]] = {
    "$absent": (lambda _: say("nothing"), lambda _, value: value is MISSING),
    "$present": (lambda _: say("anything"), lambda _, value: value is not MISSING and value is not None),
    "$matches": (lambda form: say("text-like", form=form), _is_like),
    "$above": (lambda limit: say("number-above", limit=limit), _is_above),
    "$before": (lambda limit: say("text-before", limit=limit), _is_before),
    "$in": (
        lambda parts: say("one-of", parts=parts),
        lambda parts, value: any(_matches(part, value) for part in parts),
    ),
    "$not": (lambda part: say("anything-but", part=part), lambda part, value: not _matches(part, value)),
    "$size": (lambda size: say("so-many", size=size), _has_size),
    "$lacks": (lambda parts: say("none-of", parts=parts), _lacks),
}
"""Operators on the value alone: description of the expectation, and the test."""


def _hold(parts: list[Any], value: Any, path: str) -> Iterator[_Wrong]:
    """``$holds``: each part matches some item of the list."""
    items = value if isinstance(value, list) else []
    for part in parts:
        if not any(_matches(part, item) for item in items):
            yield _wrong(path, partial(_item_like, part), value)


def _item_like(part: Any) -> Texts:
    return say("item-like", part=render_value(part))


def _follow_schema(name: str, value: Any, path: str) -> Iterator[_Wrong]:
    if value is MISSING:
        yield _wrong(path, lambda: say("schema-document", schema=name), value)
        return
    if fast_validator(name).is_valid(value):
        return
    incomplete = set()
    for error in schemas.validator(name).iter_errors(value):
        where = "".join(f"/{step}" for step in error.absolute_path)
        if error.validator == "required":
            if where in incomplete:  # each missing member is an error of its own; the first one names them all
                continue
            incomplete.add(where)
        yield path + where, partial(_schema_rule, name, error), partial(_broken, error)


def _schema_rule(name: str, error: Any) -> Texts:
    return say("schema-rule", schema=name, keyword=error.validator, value=render_value(error.validator_value))


def _broken(error: Any) -> Texts:
    """The violation of a schema rule: missing or unknown members, else the value itself."""
    members = error.instance if isinstance(error.instance, Mapping) else {}
    match error.validator:
        case "required":
            return say(
                "members-missing", names=render_value([name for name in error.validator_value if name not in members])
            )
        case "additionalProperties" if error.validator_value is False:
            known = error.schema.get("properties", {})
            return say("members-unknown", names=render_value([name for name in members if name not in known]))
    return plain(render_value(error.instance))


def _wrong(path: str, expected: Callable[[], Texts], value: Any) -> _Wrong:
    return path, expected, lambda: say("nothing") if value is MISSING else plain(render_value(value))


def render_value(value: Any) -> str:
    """A value rendered for a report: truncated, without personal data."""
    text = schemas.redact(value if isinstance(value, str) else _written(value))
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"


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
