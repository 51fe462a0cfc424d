"""The content digest of REV-002: SHA-256 of the RFC 8785 form of a document without its revision."""

import hashlib
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

_WHOLE = 1e21
"""Below it a whole number is written without an exponent (ECMAScript, Number::toString)."""
_SMALL = 1e-6


def content_digest(document: Mapping[str, Any]) -> str:
    """Hex digest of an accepted document."""
    content = {name: value for name, value in document.items() if name != "revision"}
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(value: Any) -> str:
    """The RFC 8785 text of a JSON value."""
    match value:
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{_literal(name)}:{canonical(value[name])}" for name in names) + "}"
        case list() | tuple():
            return "[" + ",".join(map(canonical, value)) + "]"
        case float():
            return _number(value)
    return _literal(value)


def _literal(value: Any) -> str:
    return orjson.dumps(value).decode()


def _number(value: float) -> str:
    if value == 0:
        return "0"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = len(text) + int(exponent)
    if _SMALL <= abs(value) < _WHOLE:
        return sign + _decimal(text, point)
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{sign}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _decimal(digits: str, point: int) -> str:
    """Digits with a decimal point after the first ``point`` of them, without an exponent."""
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    return digits.ljust(point, "0") if point >= len(digits) else f"{digits[:point]}.{digits[point:]}"
