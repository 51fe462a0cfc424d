"""The forms that visitors send, read into memory: bounded in size, parts and time, and never written to a file.

aiohttp's ``request.post()`` spills uploads to temporary files; ``read_form`` reads the body itself, and ``parse_form``
splits it. File names are not even kept.
"""

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from gateway.pages.base.refusal import RefusedError
from schemas.bilingual import Spoken

MOST_BYTES = 1024 * 1024
READ_SECONDS = 30.0
_OTHER_BYTES = 64 * 1024
"""Room for the other fields and the separators of a form, beside its text or file."""
_DISCARDED_BYTES = 64 * 1024 * 1024
"""A body that is too large is read up to here, unkept: a browser shows no answer to a connection that was cut."""
_MULTIPART, _URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
_MOST_URLENCODED = 192 * 1024
"""Decoding percent signs costs the event loop 50 ms a megabyte."""
_MOST_PARTS = 200
_MOST_HEADER_BYTES = 8 * 1024
_SIGNS = r"[0-9A-Za-z'()+_,./:=?-]{1,70}"
_BOUNDARY = re.compile(rf'boundary=(?:"({_SIGNS})"|({_SIGNS}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*form-data[ \t]*;(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb'(?:^|;)[ \t]*name=(?:"((?:[^"\\]|\\.){0,200})"|([^";\s]{1,200}))', re.IGNORECASE)
_TRANSFER = re.compile(rb"^content-transfer-encoding:[ \t]*(?!7bit|8bit|binary)", re.IGNORECASE | re.MULTILINE)
_NEXT = (b"\r\n", b"--", b" ", b"\t")


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form, a text or a file, as bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in order."""

    parts: tuple[Part, ...]

    def content(self, name: str) -> bytes:
        """The content of the first field of that name, a text or a file; empty if there is none."""
        return next((part.content for part in self.parts if part.name == name), b"")

    def text(self, name: str) -> str:
        """The same as a text; what is not UTF-8 becomes U+FFFD. For short fields: a large one may cost long."""
        return self.content(name).decode(errors="replace")


async def read_form(
    request: web.Request,
    *,
    most_bytes: int = MOST_BYTES,
    other_bytes: int = _OTHER_BYTES,
    seconds: float = READ_SECONDS,
) -> Form:
    """The form of a request, read into memory. No field has more than ``most_bytes``, and all others together no more
    than ``other_bytes``. Raises RefusedError; ConnectionError when the visitor has disconnected.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() not in ("", "identity"):
        raise RefusedError("form-encoding")
    try:
        body = await _read(request, most_bytes + other_bytes, seconds)
    except TimeoutError:
        raise RefusedError("too-slow", seconds=round(seconds)) from None
    except (web.RequestPayloadError, BadHttpMessage):
        raise RefusedError("cut-off") from None
    if body is None:
        raise _too_large(most_bytes)
    form = parse_form(request.headers.get(hdrs.CONTENT_TYPE, ""), body)
    if any(len(part.content) > most_bytes for part in form.parts):
        raise _too_large(most_bytes)
    return form


async def _read(request: web.Request, most: int, seconds: float) -> bytes | None:
    """The body; None if it has more than ``most`` bytes: it is then read on without keeping it. Raises TimeoutError."""
    kept: list[bytes] = []
    size = 0
    too_large = (request.content_length or 0) > most
    try:
        async with asyncio.timeout(seconds):
            while (chunk := await request.content.readany()) and size <= _DISCARDED_BYTES:
                size += len(chunk)
                too_large = too_large or size > most
                if not too_large:
                    kept.append(chunk)
    except TimeoutError:
        if not too_large:
            raise
    return None if too_large else b"".join(kept)


def parse_form(content_type: str, body: bytes) -> Form:
    """The fields of a body of this type (RFC 7578, or urlencoded). Pure. Raises RefusedError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _URLENCODED:
        return _parse_urlencoded(body)
    if kind != _MULTIPART:
        raise RefusedError("form-type")
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise RefusedError("form-malformed")
    return Form(tuple(_split(body, b"--" + (found[1] or found[2]).encode())))


def _parse_urlencoded(body: bytes) -> Form:
    if len(body) > _MOST_URLENCODED:
        raise _too_large(_MOST_URLENCODED)
    try:
        text = body.decode("latin-1")  # one character a byte, so that every byte arrives as it was sent
        pairs = parse_qsl(text, keep_blank_values=True, encoding="latin-1", max_num_fields=_MOST_PARTS)
    except ValueError:
        raise RefusedError("form-malformed") from None
    return Form(tuple(Part(name, value.encode("latin-1")) for name, value in pairs))


def _split(body: bytes, delimiter: bytes) -> list[Part]:
    """The parts between the delimiters. Linear in the size of the body."""
    parts: list[Part] = []
    at = len(delimiter) if body.startswith(delimiter) else _find(body, delimiter, 0) + 2 + len(delimiter)
    while not body.startswith(b"--", at):
        if len(parts) == _MOST_PARTS:
            raise RefusedError("form-malformed")
        begin = body.find(b"\r\n", at)
        head_end = body.find(b"\r\n\r\n", begin, begin + _MOST_HEADER_BYTES)
        if begin < 0 or head_end < 0:
            raise RefusedError("cut-off" if len(body) - at < _MOST_HEADER_BYTES else "form-malformed")
        end = _find(body, delimiter, head_end + 2)
        parts.append(_part(body[begin + 2 : head_end + 2], body[head_end + 4 : end]))
        at = end + 2 + len(delimiter)
    return parts


def _find(body: bytes, delimiter: bytes, start: int) -> int:
    """Where the next delimiter's line break is. Raises RefusedError without one: the form has no end."""
    at = body.find(b"\r\n" + delimiter, start)
    while at >= 0 and not body.startswith(_NEXT, at + 2 + len(delimiter)):
        at = body.find(b"\r\n" + delimiter, at + 2)
    if at < 0:
        raise RefusedError("cut-off")
    return at


def _part(head: bytes, content: bytes) -> Part:
    disposition = _DISPOSITION.search(head.replace(b"\r\n", b"\n"))
    named = None if disposition is None else _NAME.search(disposition[1])
    if disposition is None or named is None or _TRANSFER.search(head):
        raise RefusedError("form-malformed")
    name = named[1] if named[1] is not None else named[2]
    return Part(name.decode(errors="replace"), content)


def _too_large(most: int) -> RefusedError:
    number, unit = (most // MOST_BYTES, "M") if most >= MOST_BYTES else (most // 1024, "K")
    return RefusedError("too-large", most=Spoken(f"{number}\u00a0{unit}iB", f"{number}\u00a0{unit}io"))
