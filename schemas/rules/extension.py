"""Extensions: their bounds, and integers within the interoperable range (OFR-036, OFR-002).

The bounds are checked first: extensions beyond them are refused as a whole, without further checks.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import orjson

from schemas.decode import SAFE_INTEGER
from schemas.personal import token
from schemas.rulebook import Problem, first_of, problem
from schemas.territory import Territory

MAX_BYTES = 4_000
MAX_KEYS = 200
"""The keys of all levels together."""


def find_excess(document: Mapping[str, Any]) -> list[Problem]:
    """Extensions with too many keys, or too large as compact JSON; the document may be malformed."""
    extensions = document.get("extensions")
    if type(extensions) is not dict:
        return []
    keys = _count_keys(extensions, 0)
    if keys > MAX_KEYS:
        return [problem("extensions-too-many-keys", pointer="/extensions", expected=MAX_KEYS)]
    size = len(orjson.dumps(extensions))
    if size > MAX_BYTES:
        return [problem("extensions-too-large", pointer="/extensions", expected=MAX_BYTES, actual=size)]
    return []


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Integers beyond 2**53 - 1 in extensions that are within their bounds."""
    extensions = offer.get("extensions")
    return first_of(_find_large(extensions, "/extensions")) if extensions and _is_large(extensions) else []


def _count_keys(value: Any, count: int) -> int:
    """``count`` and the keys of an object or a list; stops counting beyond the limit."""
    if type(value) is dict:
        count += len(value)
    for member in value.values() if type(value) is dict else value:
        if count > MAX_KEYS:
            break
        if type(member) is dict or type(member) is list:
            count = _count_keys(member, count)
    return count


def _is_large(value: Any) -> bool:
    kind = type(value)
    if kind is int or kind is float:
        return bool(abs(value) > SAFE_INTEGER)
    if kind is dict:
        return any(map(_is_large, value.values()))
    return kind is list and any(map(_is_large, value))


def _find_large(value: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _find_large(member, f"{pointer}/{token(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_large(item, f"{pointer}/{index}")
    elif isinstance(value, int | float) and abs(value) > SAFE_INTEGER and float(value).is_integer():
        yield problem("json-integer", pointer=pointer, expected=SAFE_INTEGER, actual=value)
