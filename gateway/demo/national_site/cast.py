"""Casts of the simulated site: its framework converts texts, numbers, booleans and instants leniently."""

import re
from datetime import datetime
from typing import Any

from gateway.protocol.decide import PARIS

_LEADING_WHOLE = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "off", "OFF"})


def is_scalar(value: Any) -> bool:
    """Whether the value is a text, number, boolean or null."""
    return value is None or isinstance(value, str | int | float)


def is_blank(value: Any) -> bool:
    """Whether the value is null, false, an empty text, list or object, or white space."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is False or value in ({}, [])


def to_text(value: Any) -> str | None:
    """The value as stored in a text column."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def to_truth(value: Any) -> bool | None:
    """The value as stored in a boolean column; None for null and the empty text."""
    if value is None or value == "":
        return None
    return not (value is False or str(value) in _FALSE)


def leading_whole(value: Any) -> int:
    """The integer prefix of a text, else 0."""
    found = _LEADING_WHOLE.match(str(value))
    return int(found[1]) if found else 0


def leading_number(value: Any) -> float:
    """A number, or the numeric prefix of a text, else 0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _LEADING_NUMBER.match(str(value)) if isinstance(value, str) else None
    return float(found[1]) if found else 0.0


def whole_or_none(value: Any) -> int | None:
    """An integer, also as a text; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def to_instant(value: Any) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 instant, in Europe/Paris by default; None for any other value."""
    if not isinstance(value, str) or is_blank(value):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    local = instant if instant.tzinfo is not None else instant.replace(tzinfo=PARIS)
    return int(local.timestamp() * 1000)
