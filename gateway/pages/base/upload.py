"""The forms that visitors send, read into memory: bounded in size, parts and time, and never written to a file.

aiohttp's ``request.post()`` spills uploads to temporary files; ``receive`` reads the body itself. ``FormBody.parse``
splits it, away from the event loop. File names are not even kept.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from gateway.pages.base.refusal import PageRefusedError
from gateway.runtime.pace import ReceivePace
from schemas.bilingual import Bilingual

MAX_BYTES = 1024 * 1024
OTHER_BYTES = 64 * 1024
"""Room for the other fields and the separators of a form, beside its text or file."""
_DISCARDED_BYTES = 16 * 1024 * 1024
"""A body that is too large is read up to here, unkept: a browser shows no answer to a connection that was cut."""
_MULTIPART, _URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
_MAX_URLENCODED = 192 * 1024
"""Decoding a megabyte of percent signs takes 50 ms and more."""
_MAX_PARTS = 256
_MAX_HEADER_BYTES = 8 * 1024
_SIGNS = r"[0-9A-Za-z'()+_,./:=?-]{1,70}"
_BOUNDARY = re.compile(rf'boundary=(?:"({_SIGNS})"|({_SIGNS}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:[ \t]*form-data[ \t]*;(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb'(?:^|;)[ \t]*name=(?:"((?:[^"\\]|\\.){0,200})"|([^";\s]{1,200}))', re.IGNORECASE)
_TRANSFER = re.compile(rb"^content-transfer-encoding:[ \t]*(?!7bit|8bit|binary)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FormPart:
    """One field of a form, a text or a file, as bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in order."""

    parts: tuple[FormPart, ...]

    def content(self, name: str) -> bytes:
        """The content of the first field of that name, a text or a file; empty if there is none."""
        return next((part.content for part in self.parts if part.name == name), b"")

    def each(self, name: str) -> list[str]:
        """The contents of every field of that name, as ``text``."""
        return [part.content.decode(errors="replace") for part in self.parts if part.name == name]

    def text(self, name: str) -> str:
        """The same as a text; what is not UTF-8 becomes U+FFFD. For short fields: a large one may cost long."""
        return self.content(name).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class FormBody:
    """A form as it was received."""

    content_type: str
    content: bytes
    most_bytes: int

    def parse(self) -> Form:
        """The fields (RFC 7578, or urlencoded). Pure, and linear in the size of the body; a megabyte takes some
        milliseconds, and a third of a megabyte of percent signs takes twenty. Raises PageRefusedError.
        """
        form = parse_form(self.content_type, self.content)
        if any(len(part.content) > self.most_bytes for part in form.parts):
            raise _too_large(self.most_bytes)
        return form


async def receive(
    request: web.Request, deadline: asyncio.Timeout, pace: ReceivePace, *, most_bytes: int, other_bytes: int
) -> FormBody:
    """The body of a form, read into memory at a pace, until a deadline. No field has more than ``most_bytes``, and all
    others together no more than ``other_bytes``. Raises PageRefusedError, TimeoutError; ConnectionError when the
    visitor has disconnected.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() not in ("", "identity"):
        raise PageRefusedError("form-encoding")
    try:
        content = await _read(request, most_bytes + other_bytes, deadline, pace)
    except (web.RequestPayloadError, BadHttpMessage):
        raise PageRefusedError("cut-off") from None
    if content is None:
        raise _too_large(most_bytes)
    return FormBody(request.headers.get(hdrs.CONTENT_TYPE, ""), content, most_bytes)


async def _read(request: web.Request, most: int, deadline: asyncio.Timeout, pace: ReceivePace) -> bytes | None:
    """The body; None if it has more than ``most`` bytes: it is then read on without keeping it. Raises TimeoutError."""
    kept: list[bytes] = []
    size = 0
    too_large = (request.content_length or 0) > most
    try:
        async with deadline:
            while (chunk := await request.content.readany()) and size <= _DISCARDED_BYTES:
                size += len(chunk)
                too_large = too_large or size > most
                if not too_large:
                    kept.append(chunk)
                if not request.content.is_eof():
                    await pace.step()
    except TimeoutError:
        if not too_large:
            raise
    return None if too_large else b"".join(kept)


def parse_form(content_type: str, body: bytes) -> Form:
    """The fields of a body of this type. Pure. Raises PageRefusedError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _URLENCODED:
        return _parse_urlencoded(body)
    if kind != _MULTIPART:
        raise PageRefusedError("form-type")
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise PageRefusedError("form-malformed")
    return Form(tuple(_split(body, b"--" + (found[1] or found[2]).encode())))


def _parse_urlencoded(body: bytes) -> Form:
    if len(body) > _MAX_URLENCODED:
        raise _too_large(_MAX_URLENCODED)
    try:
        text = body.decode("latin-1")  # one character a byte, so that every byte arrives as it was sent
        pairs = parse_qsl(text, keep_blank_values=True, encoding="latin-1", max_num_fields=_MAX_PARTS)
    except ValueError:
        raise PageRefusedError("form-malformed") from None
    return Form(tuple(FormPart(name, value.encode("latin-1")) for name, value in pairs))


def _split(body: bytes, delimiter: bytes) -> Iterator[FormPart]:
    """The parts between the delimiters, which begin no other line (RFC 2046, 5.1.1): what follows one is its padding,
    the line break and a part, or the two hyphens of the last one.
    """
    _, *pieces = (b"\r\n" + body).split(b"\r\n" + delimiter, _MAX_PARTS + 1)
    for piece in pieces:
        if piece.startswith(b"--"):
            return
        head, blank_line, content = piece.partition(b"\r\n\r\n")
        if head.partition(b"\r\n")[0].strip(b" \t") or len(head) > _MAX_HEADER_BYTES:
            raise PageRefusedError("form-malformed")
        if not blank_line:
            break
        yield _part(head, content)
    raise PageRefusedError("form-malformed" if len(pieces) > _MAX_PARTS else "cut-off")


def _part(head: bytes, content: bytes) -> FormPart:
    disposition = _DISPOSITION.search(head.replace(b"\r\n", b"\n"))
    named = None if disposition is None else _NAME.search(disposition[1])
    if disposition is None or named is None or _TRANSFER.search(head):
        raise PageRefusedError("form-malformed")
    name = named[1] if named[1] is not None else named[2]
    return FormPart(name.decode(errors="replace"), content)


def _too_large(most: int) -> PageRefusedError:
    number, unit = (most // MAX_BYTES, "M") if most >= MAX_BYTES else (most // 1024, "K")
    return PageRefusedError("too-large", most=Bilingual(f"{number}\u00a0{unit}iB", f"{number}\u00a0{unit}io"))
