"""HTTP answers: long bodies streamed within time limits, entity tags, and the cursors of plain lists."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from hashlib import blake2b
from itertools import chain
from typing import Any

import orjson
import structlog
from aiohttp import hdrs, web

from gateway.api.context import Context, context_of
from gateway.api.problem import ProblemError
from gateway.api.work import AbandonedError, hang_up, work_of
from gateway.protocol.seal import INTEGERS, Seal, is_of, sealed_members
from gateway.runtime.entity_tag import lists_tag

_PIECE_BYTES = 64 * 1024
_SLICE_SECONDS = 0.005
"""Longest time spent on one piece of an answer, where few bytes take long."""
_GRACE_SECONDS = 3.0
"""Time for which an answer in progress may continue after the process begins to stop."""
PRIVATE: Mapping[str, str] = {hdrs.CACHE_CONTROL: "private, no-cache", hdrs.VARY: hdrs.AUTHORIZATION}
"""The answer depends on the caller: a cache must revalidate it."""

log = structlog.get_logger()


async def send_pieces(
    request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Stream an answer. A client that reads nothing for ``read_seconds``, or takes longer than ``upload_seconds`` in
    all, is disconnected. A failure after the first byte cuts the connection: a truncated answer must not look complete.
    Raises ConnectionError.
    """
    await response.prepare(request)
    limits = context_of(request).limits
    try:
        async with aclosing(pieces), asyncio.timeout(limits.upload_seconds):
            with work_of(request).abandonable(grace=_GRACE_SECONDS):
                await _write(request, response, pieces)
    except ConnectionError:
        raise
    except AbandonedError:
        raise _cut(request, "the client has left, or the process stops") from None
    except TimeoutError:
        raise _cut(request, "the client does not read its answer") from None
    except Exception:
        log.exception("api.answer_cut")
        raise _cut(request, "the answer could not be finished") from None
    return response


async def _write(request: web.Request, response: web.StreamResponse, pieces: AsyncGenerator[bytes, None]) -> None:
    seconds = context_of(request).limits.read_seconds
    if request.method != hdrs.METH_HEAD:
        async for piece in pieces:
            async with asyncio.timeout(seconds):
                await response.write(piece)
    async with asyncio.timeout(seconds):
        await response.write_eof()


async def in_pieces(request: web.Request, pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Regroup bytes into pieces of about 64 kB, each made in a thread because the bytes may come from the disk. A piece
    is shorter where few bytes take long.
    """
    rest, work, ended = iter(pieces), work_of(request), False
    while not ended:
        piece, ended = await work.in_thread(_gather, rest)
        if piece:
            yield piece


async def _in_slices(request: web.Request, pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Regroup bytes in memory into such pieces, within slices of the event loop: a thread for each piece would wait for
    the loop longer than it works.
    """
    work, gathered = work_of(request), bytearray()
    await work.next()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _PIECE_BYTES:
            yield bytes(gathered)
            gathered.clear()
        if not work.ready:
            await work.next()
    if gathered:
        yield bytes(gathered)


def _gather(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """The next piece, and whether it is the last."""
    gathered, began = bytearray(), time.perf_counter()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _PIECE_BYTES or time.perf_counter() - began > _SLICE_SECONDS:
            return bytes(gathered), False
    return bytes(gathered), True


def split_first(pieces: Iterable[bytes], most: int) -> tuple[bytes, Iterator[bytes] | None]:
    """All bytes and None, if there are at most ``most``; else a first part of more than ``most``, and the rest."""
    begin = bytearray()
    rest = iter(pieces)
    for piece in rest:
        begin += piece
        if len(begin) > most:
            return bytes(begin), rest
    return bytes(begin), None


async def send_list(
    request: web.Request, name: str, items: Iterable[Any], rest: Mapping[str, Any], headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send ``{name: [items…], **rest}``: at once if it is short, else streamed: no whole page is in memory as text."""
    headers = {**headers, hdrs.CONTENT_TYPE: "application/json"}
    begin, further = split_first(_write_list(name, items, rest), _PIECE_BYTES)
    if further is None:
        return web.Response(body=begin, headers=headers)
    pieces = _in_slices(request, chain((begin,), further))
    return await send_pieces(request, web.StreamResponse(headers=headers), pieces)


def send_json(body: Any, headers: Mapping[str, str]) -> web.Response:
    """A small answer, sent at once."""
    return web.Response(body=orjson.dumps(body), headers={**headers, hdrs.CONTENT_TYPE: "application/json"})


def json_headers(language: str) -> dict[str, str]:
    """The headers of an answer with texts in one language, which no cache keeps."""
    return {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.CONTENT_LANGUAGE: language,
        hdrs.CACHE_CONTROL: "no-store",
    }


def tag_of(*parts: Any) -> str:
    """A strong entity tag (RFC 9110): a digest of all values that determine the answer."""
    return f'"{blake2b(orjson.dumps(parts), digest_size=12).hexdigest()}"'


def is_known(request: web.Request, tag: str) -> bool:
    """Whether ``If-None-Match`` lists this entity tag, strong or weak."""
    return lists_tag(request.headers.getall(hdrs.IF_NONE_MATCH, ()), tag)


def unchanged(tag: str, headers: Mapping[str, str] = PRIVATE) -> web.Response:
    """304: the client has this answer already."""
    return web.Response(status=304, headers={**headers, hdrs.ETAG: tag})


def is_vector(key: Any) -> bool:
    """Whether the key of a list cursor is a position vector."""
    return is_of(key, INTEGERS)


def write_list_cursor(context: Context, kind: str, after: Any, *scope: Any) -> str:
    """The cursor of a plain list: the key to continue after, valid only for one log, list, reader and filter
    (``scope``).
    """
    return _seal(context, kind).close(orjson.dumps([after, tag_of(*scope, context.federation.identity)]))


def read_list_cursor(context: Context, kind: str, text: str | None, *scope: Any, of: Callable[[Any], bool]) -> Any:
    """The key in a cursor, for which ``of`` holds; None without a cursor. Raises ProblemError for a forged cursor and
    for another list's.
    """
    if text is None:
        return None
    payload = _seal(context, kind).open(text)
    if payload is None:
        raise ProblemError("cursor-forged")
    members = sealed_members(payload, object, str)
    if members is None or not of(members[0]):
        raise ProblemError("cursor-forged")
    after, scoped = members
    if scoped != tag_of(*scope, context.federation.identity):
        raise ProblemError("cursor-filter")
    return after


def _write_list(name: str, items: Iterable[Any], rest: Mapping[str, Any]) -> Iterator[bytes]:
    yield b"{" + orjson.dumps(name) + b":["
    for number, item in enumerate(items):
        yield (b"," if number else b"") + orjson.dumps(item)
    yield b"]"
    for key, value in rest.items():
        yield b"," + orjson.dumps(key) + b":" + orjson.dumps(value)
    yield b"}"


def _cut(request: web.Request, reason: str) -> ConnectionResetError:
    """Close the connection at once, and return the error to raise."""
    hang_up(request)
    return ConnectionResetError(reason)


def _seal(context: Context, kind: str) -> Seal:
    """The seal of one kind of list: each has its own key, so that no list's cursor is valid for the changes feed."""
    return Seal(context.cursors.mac(kind.encode()), purpose=kind)
