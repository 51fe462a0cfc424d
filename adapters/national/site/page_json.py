"""Tolerant JSON reader for pages: an unreadable value costs its own item, never the page. Pure.

``orjson`` refuses a whole document for one number beyond its range, one lone surrogate or one deep value, and takes the
last of two members of one name. Here each becomes a ``JsonFault`` in its place, or is found by ``find_fault``.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

_MAX_DEPTH = 64
"""Maximum nesting of arrays and objects; the site's pages have four levels."""
_MAX_DIGITS = 20
_MIN_INTEGER, _MAX_INTEGER = -(1 << 63), (1 << 64) - 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
"""A bracket, or a string, which the end of the document may cut."""


class JsonFault:
    """An unreadable value: no finite number of 64 bits, or nested too deeply."""


class Doubled(dict[str, Any]):
    """An object with a duplicate member; it holds the last value."""


def read_json(raw: bytes | bytearray) -> Any:
    """The document with faults in it. Raises ValueError if it is no JSON."""
    text = raw.decode(errors="surrogateescape")  # bytes that are not UTF-8 become surrogates, which are faults
    try:
        return _DECODER.decode(text)
    except RecursionError:
        return _DECODER.decode(_pruned(text))


def find_fault(value: Any) -> str | None:
    """The first fault within a value of ``read_json``, as path and reason; None for a sound value."""
    return next(_faults(value, "", 0), None)


def _faults(value: Any, path: str, depth: int) -> Iterator[str]:
    match value:
        case JsonFault():
            yield f"{path}: a value that cannot be read"
        case str() if _SURROGATE.search(value):
            yield f"{path}: a lone surrogate, which is no character"
        case list() | dict() if depth == _MAX_DEPTH:
            yield f"{path}: nested too deeply"
        case list():
            for index, member in enumerate(value):
                yield from _faults(member, f"{path}/{index}", depth + 1)
        case dict():
            if isinstance(value, Doubled):
                yield f"{path}: a member twice"
            for name, member in value.items():
                yield from _faults(name, path, depth)
                yield from _faults(member, f"{path}/{name}", depth + 1)


def _pruned(text: str) -> str:
    """The document with each value that is too deep replaced by a fault."""
    kept, depth, end = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _MAX_DEPTH:
                kept.append(text[end : token.start()])
        elif token[0] in "]}":
            if depth == _MAX_DEPTH:
                kept.append("NaN")
                end = token.end()
            depth -= 1
    return "".join([*kept, text[end:] if depth < _MAX_DEPTH else ""])


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    return found if len(found) == len(members) else Doubled(found)


def _whole(digits: str) -> int | JsonFault:
    """Python itself refuses more than 4,300 digits, for the whole document."""
    number = int(digits) if len(digits) <= _MAX_DIGITS else _MAX_INTEGER + 1
    return number if _MIN_INTEGER <= number <= _MAX_INTEGER else JsonFault()


def _fraction(digits: str) -> float | JsonFault:
    number = float(digits)
    return number if math.isfinite(number) else JsonFault()


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_whole,
    parse_float=_fraction,
    parse_constant=lambda _: JsonFault(),
    strict=False,
)
