"""Request bodies: the accepted media types and encodings, and small documents read within limits."""

import asyncio
from collections.abc import Mapping
from typing import Literal, TypeAlias

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from gateway.api.context import context_of
from gateway.api.problem import ProblemError
from gateway.ingest.upload.receive import Form

Kind: TypeAlias = Literal["lines", "array"]

JSON: Mapping[str, Kind] = {"application/json": "array"}
LINES: Mapping[str, Kind] = {"application/x-ndjson": "lines", "application/ndjson": "lines"}
_GZIP = ("gzip", "x-gzip")
_PLAIN = ("", "identity")


class Body:
    """The byte stream of a request; a broken transfer is a problem of the client, not of the gateway."""

    def __init__(self, request: web.Request) -> None:
        self._content = request.content

    async def readany(self) -> bytes:
        """The bytes received so far, or else the next ones; empty at the end. Raises ProblemError for a broken
        transfer, ConnectionError when the client has disconnected.
        """
        try:
            return await self._content.readany()
        except (web.RequestPayloadError, BadHttpMessage):  # the latter from aiohttp's parser in Python
            raise ProblemError("body-truncated") from None


async def read_document(request: web.Request) -> bytes:
    """Read a JSON document of at most ``limits.offer_bytes``. Raises ProblemError."""
    check_media_type(request, JSON)
    if _encoding(request) not in _PLAIN:
        raise _refused_encoding(request, "identity")
    limits = context_of(request).limits
    if (request.content_length or 0) > limits.offer_bytes:
        raise ProblemError("body-too-large", expected=limits.offer_bytes)
    if request.content.is_eof():  # received whole: no timeout needed
        return _bounded(request.content.read_nowait(), limits.offer_bytes)
    try:
        async with asyncio.timeout(limits.read_seconds):
            return await _read(request, limits.offer_bytes)
    except TimeoutError:
        raise ProblemError("upload-too-slow", expected=limits.read_seconds) from None


async def _read(request: web.Request, most: int) -> bytes:
    body, source = b"", Body(request)
    while chunk := await source.readany():
        body = _bounded(body + chunk, most)
    return body


def _bounded(body: bytes, most: int) -> bytes:
    if len(body) > most:
        raise ProblemError("body-too-large", expected=most)
    return body


def refuse_body(request: web.Request) -> None:
    """Refuse a body, on a call without one. Raises ProblemError."""
    if request.can_read_body:
        raise ProblemError("body-unexpected")


def form_of(request: web.Request, kinds: Mapping[str, Kind]) -> Form:
    """The format of an upload, by its headers. Raises ProblemError (415) for an unsupported one (ERR-004)."""
    kind = check_media_type(request, kinds)
    encoding = _encoding(request)
    if encoding not in (*_PLAIN, *_GZIP):
        raise _refused_encoding(request, "gzip, identity")
    return Form(kind=kind, gzip=encoding in _GZIP)


def check_media_type(request: web.Request, kinds: Mapping[str, Kind]) -> Kind:
    """The kind of the content type. JSON is UTF-8: any other charset is refused. Raises ProblemError."""
    text = request.headers.get(hdrs.CONTENT_TYPE, "")
    name, _, parameters = text.partition(";")
    kind = kinds.get(name.strip().lower())
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind is None or charset not in ("", "utf-8", "utf8"):
        raise ProblemError("media-type", actual=text or "–", expected=", ".join(kinds))
    return kind


def _encoding(request: web.Request) -> str:
    return ",".join(request.headers.getall(hdrs.CONTENT_ENCODING, ())).strip().lower()


def _refused_encoding(request: web.Request, expected: str) -> ProblemError:
    return ProblemError("content-encoding", actual=_encoding(request), expected=expected)
