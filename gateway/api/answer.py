"""Answers of the read API: JSON lists written piece by piece, entity tags, and bookmarks of plain lists."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson
from aiohttp import hdrs, web

from gateway.api.context import Context
from gateway.api.problem import ProblemError
from gateway.protocol.seal import Seal

_PIECE_BYTES = 64 * 1024
PRIVATE: Mapping[str, str] = {hdrs.CACHE_CONTROL: "private, no-cache", hdrs.VARY: hdrs.AUTHORIZATION}
"""Every answer depends on who asks: a cache must ask again."""


async def send_list(
    request: web.Request, name: str, items: Iterable[Any], rest: Mapping[str, Any], headers: Mapping[str, str] = PRIVATE
) -> web.StreamResponse:
    """``{name: [items…], **rest}``, sent in pieces of about 64 kB, so that no whole page is held as text."""
    response = web.StreamResponse(headers={**headers, hdrs.CONTENT_TYPE: "application/json"})
    await response.prepare(request)
    piece = bytearray(b"{" + orjson.dumps(name) + b":[")
    for number, item in enumerate(items):
        piece += (b"," if number else b"") + orjson.dumps(item)
        if len(piece) >= _PIECE_BYTES:
            await response.write(bytes(piece))
            piece.clear()
    piece += b"]"
    for key, value in rest.items():
        piece += b"," + orjson.dumps(key) + b":" + orjson.dumps(value)
    await response.write(bytes(piece) + b"}")
    await response.write_eof()
    return response


def send_json(body: Any, headers: Mapping[str, str] = PRIVATE, *, status: int = 200) -> web.Response:
    """A small answer, sent at once."""
    return web.Response(
        status=status, body=orjson.dumps(body), headers={**headers, hdrs.CONTENT_TYPE: "application/json"}
    )


def tag_of(*parts: Any) -> str:
    """A strong entity tag (RFC 9110) of whatever decides the answer."""
    return f'"{blake2b(orjson.dumps(parts), digest_size=12).hexdigest()}"'


def is_known(request: web.Request, tag: str) -> bool:
    """Whether the client says, by ``If-None-Match``, that it has the answer with this tag."""
    return any(known.value in {"*", tag.strip('"')} for known in request.if_none_match or ())


def unchanged(tag: str, headers: Mapping[str, str] = PRIVATE) -> web.Response:
    """304, for a client that has it already."""
    return web.Response(status=304, headers={**headers, hdrs.ETAG: tag})


def write_bookmark(context: Context, kind: str, place: Any, *scope: Any) -> str:
    """The cursor of a plain list: a place, good only for the same list, reader and filter (``scope``)."""
    return _seal(context, kind).close(orjson.dumps([place, tag_of(*scope)]))


def read_bookmark(context: Context, kind: str, text: str | None, *scope: Any) -> Any:
    """The place behind a cursor; None without one. Raises ProblemError for a forged one and for another list's."""
    if text is None:
        return None
    payload = _seal(context, kind).open(text)
    if payload is None:
        raise ProblemError("cursor-forged")
    place, scoped = orjson.loads(payload)
    if scoped != tag_of(*scope):
        raise ProblemError("cursor-filter")
    return place


def _seal(context: Context, kind: str) -> Seal:
    """A key of its own for each kind of list, so that no cursor passes for one of the changes feed."""
    return Seal(context.cursors.mac(kind.encode()), purpose=kind)
