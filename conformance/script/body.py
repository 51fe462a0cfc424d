"""Bodies: bytes and headers of a call, from its template."""

import gzip
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from conformance.model.step import Body
from conformance.script.document import sound_offer
from conformance.script.template import Lookup, fill

_BOMB_BYTES = 60_000_000


def write_body(body: Body, names: Lookup) -> tuple[bytes, Mapping[str, str]]:
    """The bytes, with Content-Type and Content-Encoding."""
    content = _written(body, names)
    headers = {"Content-Type": body.media_type}
    match body.gzip:
        case None:
            return content, headers
        case "whole":
            content = gzip.compress(content)
        case "cut":
            whole = gzip.compress(content)
            content = whole[: len(whole) - 12]
        case "bomb":
            content = gzip.compress(content + b" " * _BOMB_BYTES)
    return content, {**headers, "Content-Encoding": "gzip"}


def _written(body: Body, names: Lookup) -> bytes:
    match body.form:
        case "offer":
            return orjson.dumps(_offer(body.content, names))
        case "json":
            return orjson.dumps(_item(body.content, names))
        case "text":
            return str(fill(body.content, names)).encode()
        case "base64":
            return b64decode(body.content)
        case "form":
            return urlencode(fill(body.content, names)).encode()
        case "lines":
            lines = (_line(item, names) for item in body.content)
            return b"".join(line + b"\n" for line in lines)


def _line(item: Any, names: Lookup) -> bytes:
    """A line of NDJSON; a text is written verbatim."""
    return str(fill(item, names)).encode() if isinstance(item, str) else orjson.dumps(_item(item, names))


def _item(item: Any, names: Lookup) -> Any:
    """An offer where ``is`` names one, also within a list; else the JSON value."""
    match item:
        case {"is": str()}:
            return _offer(item, names)
        case list():
            return [_item(part, names) for part in item]
    return fill(item, names)


def _offer(change: Mapping[str, Any], names: Lookup) -> dict[str, Any]:
    return sound_offer(names, offer=change["is"], put=change.get("put", {}), drop=change.get("drop"))
