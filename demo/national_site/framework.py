"""Framework of the simulated site: request parameters, lenient casts, and answers by the table of rules.

It merges query, form and JSON into one set of parameters, and converts texts, numbers, booleans and instants.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from demo.national_site.rules import RULES
from gateway.protocol.paris_time import PARIS

_LEADING_WHOLE = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_ZONE = re.compile(r"\s*(?:UTC|GMT)$|\s+([+-]\d{2}:?\d{2})$", re.ASCII)
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "off", "OFF"})
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class SiteReply:
    """Status, body, and the applied rules."""

    status: int
    body: Any
    rules: frozenset[str] = frozenset()


class BrokenError(Exception):
    """The site's code fails on this request with status 500, by ``rule``."""

    def __init__(self, rule: str) -> None:
        super().__init__(RULES[rule].does)
        self.rule = rule


def answer(rule: str, body: Any, cited: Iterable[str] = ()) -> SiteReply:
    """The answer of a rule, with the table's status; ``cited`` are further applied rules. Raises ValueError for a rule
    without a status.
    """
    status = RULES[rule].status
    if status is None:
        raise ValueError(f"{rule} decides no answer")
    return SiteReply(status, body, frozenset({rule, *cited}))


def refuse(rule: str, error: Any, cited: Iterable[str] = ()) -> SiteReply:
    """A refusal in the site's form, with the table's status and, if any, its code."""
    code = RULES[rule].code
    return answer(rule, {"error": error} if code is None else {"code": code, "error": error}, cited)


def broken(rule: str, cited: Iterable[str] = ()) -> SiteReply:
    """The answer 500 of a failure in the site's code."""
    body = {"status": 500, "error": "Internal Server Error"}
    return SiteReply(HTTPStatus.INTERNAL_SERVER_ERROR, body, frozenset({rule, *cited}))


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
    """Milliseconds since 1970 of an instant in the framework's forms: ISO 8601, its own ``2026-11-20 10:00 UTC`` with
    the zone behind a space, or an e-mail's; in Europe/Paris by default. None for any other value.
    """
    if not isinstance(value, str) or is_blank(value):
        return None
    plain = _ZONE.sub(lambda zone: zone[1] or "+00:00", value.strip())
    try:
        instant = datetime.fromisoformat(plain)
    except ValueError:
        try:
            instant = parsedate_to_datetime(value)
        except ValueError:
            return None
    local = instant if instant.tzinfo is not None else instant.replace(tzinfo=PARIS)
    return int(local.timestamp() * 1000)


class NotJsonError(Exception):
    """A body of type JSON is not JSON."""


async def read_params(request: web.Request) -> dict[str, Any]:
    """All parameters of a request. A form or JSON body overrides the query; a body of another type is ignored. Raises
    NotJsonError.
    """
    params = nest(parse_qsl(request.query_string, keep_blank_values=True))
    raw = await request.read() if request.body_exists else b""
    if raw and request.content_type == _JSON:
        try:
            body = orjson.loads(raw)
        except ValueError as error:
            raise NotJsonError from error
        whole: dict[str, Any] = _without_nulls(body if isinstance(body, dict) else {"_json": body})
        return params | whole
    if raw and request.content_type == _FORM:
        return params | nest(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))
    return params


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested parameters: ``a[b]=1`` is a nested object, ``a[]=1`` a list item; a contradictory shape is dropped."""
    params: dict[str, Any] = {}
    for name, value in pairs:
        head, *keys = name.replace("]", "").split("[")
        _put(params, [head, *keys], value)
    return params


def _put(inside: dict[str, Any], keys: list[str], value: str) -> None:
    key, *rest = keys
    if not rest:
        inside[key] = value
    elif rest == [""]:
        items = inside.setdefault(key, [])
        if isinstance(items, list):
            items.append(value)
    else:
        deeper = inside.setdefault(key, {})
        if isinstance(deeper, dict):
            _put(deeper, rest, value)


def _without_nulls(value: Any) -> Any:
    """The value without nulls in lists, as the framework removes them."""
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_nulls(member) for member in value if member is not None]
    return value
