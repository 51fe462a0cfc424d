"""Request parameters of the simulated site: query, form and JSON merged into one set, as its framework does."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


class UnreadableError(Exception):
    """A body of type JSON is not JSON."""


async def read_params(request: web.Request) -> dict[str, Any]:
    """All parameters of a request. A form or JSON body overrides the query; a body of another type is ignored. Raises
    UnreadableError.
    """
    params = nest(parse_qsl(request.query_string, keep_blank_values=True))
    raw = await request.read() if request.body_exists else b""
    if raw and request.content_type == _JSON:
        try:
            body = orjson.loads(raw)
        except ValueError as error:
            raise UnreadableError from error
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
