"""Extensions: their size, and numbers that every reader understands alike (OFR-036, OFR-002)."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import orjson

from schemas.decode import SAFE_INTEGER
from schemas.personal import token
from schemas.rulebook import Problem, first_of, problem
from schemas.territory import Territory

MAX_BYTES = 4_000


def find(offer: Mapping[str, Any], _on: date, _territory: Territory | None) -> list[Problem]:
    """Extensions too large as compact JSON, or with integers beyond 2**53 - 1."""
    extensions = offer.get("extensions")
    found: list[Problem] = []
    if extensions is None:
        return found
    size = len(orjson.dumps(extensions))
    if size > MAX_BYTES:
        found.append(problem("extensions-too-large", pointer="/extensions", expected=MAX_BYTES, actual=size))
    if _is_large(extensions):
        found.extend(first_of(_find_large(extensions, "/extensions")))
    return found


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
