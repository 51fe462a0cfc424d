"""The content that a visitor sends: its format recognised, inflated within bounds, and split into documents. Pure.

An input that holds no documents is a ``NoDocumentsError``, whose code names a sentence of the page.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

import schemas
from gateway.errors import UploadRefusedError
from gateway.ingest.upload.splitting import ArraySplitter, LineSplitter, declared_count

Kind: TypeAlias = Literal["offer", "lines", "array"]
Syntax: TypeAlias = Literal["xml", "json", "csv", "html"]
"""The notation of a feed, as far as it matters to recognise one."""
KINDS: tuple[Kind, ...] = ("offer", "lines", "array")
_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
SIGNATURES: Mapping[bytes, str] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"%PDF-": "pdf",
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"\xd0\xcf\x11\xe0": "office",
    b"BZh": "archive",
    b"\xfd7zXZ": "archive",
    b"7z\xbc\xaf\x27\x1c": "archive",
    b"Rar!": "archive",
    b"\x28\xb5\x2f\xfd": "archive",
    b"\xff\xfe": "utf16",
    b"\xfe\xff": "utf16",
}
_EXAMINED = 4_096
_MAX_DOCUMENTS = 20_000
MALFORMED: Mapping[str, str] = {
    "body-truncated": "array-open",
    "body-malformed": "array-malformed",
    "body-too-large": "array-malformed",
    "line-too-long": "line-long",
}
_CONTROLS = bytes(sorted(set(range(32)) - set(b"\t\n\f\r\x1b")))
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SOME_KEYS = frozenset(("id", "revision", "title", "employer", "location", "levels", "weeks", "sector", "withdrawn"))
_ENOUGH_KEYS = 2


class NoDocumentsError(Exception):
    """The content holds no documents. ``code`` names the sentence, or ``problem`` of the catalogue says it."""

    def __init__(self, code: str, *, problem: schemas.Problem | None = None, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.problem = problem
        self.values = values


@dataclass(frozen=True, slots=True)
class SentDocument:
    """One document as sent. ``number`` counts from 1; ``line`` is its first line in the content."""

    number: int
    line: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class SentDocuments:
    """The documents of a content, at most the first 20,000 of ``total``."""

    items: Sequence[SentDocument]
    total: int


@dataclass(frozen=True, slots=True)
class ContentShape:
    """The recognised format: documents of the shared schema, or a feed in one syntax."""

    kind: Kind | Literal["feed"]
    syntax: Syntax | None = None


def inflate(content: bytes, *, most: int) -> bytes:
    """The content, inflated if it is gzipped. Raises NoDocumentsError."""
    if not content.startswith(_GZIP):
        return content
    pieces: list[bytes] = []
    size, rest = 0, content
    while rest.startswith(_GZIP):
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            piece = member.decompress(rest, most - size + 1)
        except zlib.error:
            raise NoDocumentsError("gzip-damaged") from None
        size += len(piece)
        if size > most:
            raise NoDocumentsError("gzip-large")
        if not member.eof:
            raise NoDocumentsError("gzip-truncated")
        pieces.append(piece)
        rest = member.unused_data
    if rest.strip(b"\0"):
        raise NoDocumentsError("gzip-damaged")
    return b"".join(pieces)


def recognise(content: bytes) -> ContentShape:
    """The format of the content. Raises NoDocumentsError if it can be none."""
    begun = content.removeprefix(_BOM).lstrip(_BLANK)
    if not begun:
        raise NoDocumentsError("empty")
    for signature, code in SIGNATURES.items():
        if content.startswith(signature):
            raise NoDocumentsError(code)
    if _is_wide(content):
        raise NoDocumentsError("utf16")
    if begun[:1] == b"[":
        return ContentShape("array") if _is_like_offers(begun) else ContentShape("feed", "json")
    if begun[:1] == b"{":
        return _recognise_object(begun)
    if _is_binary(content):
        raise NoDocumentsError("binary")
    if _PAGE.match(begun[:_EXAMINED]):
        return ContentShape("feed", "html")
    return ContentShape("feed", "xml" if begun[:1] == b"<" else "csv")


def _recognise_object(content: bytes) -> ContentShape:
    """One object, or one on each line: NDJSON, unless the whole is one document or its first line is none."""
    lines = [line for line in content.split(b"\n", 2) if line.strip(_BLANK)]
    if len(lines) > 1 and _decode(content) is None and lines[0].rstrip(_BLANK).endswith(b"}"):
        return ContentShape("lines")
    document = _decode(content)
    if isinstance(document, dict) and not _is_like_offer(document) and _holds_objects(document):
        return ContentShape("feed", "json")
    return ContentShape("offer")


def split(content: bytes, kind: Kind) -> SentDocuments:
    """The documents of the content, as the API splits them. Raises NoDocumentsError."""
    if kind == "offer":
        return SentDocuments([SentDocument(1, 1, content)], 1)
    try:
        found = _split_lines(content) if kind == "lines" else _split_array(content)
    except UploadRefusedError as error:
        raise NoDocumentsError(MALFORMED[error.code]) from None
    if not found.total:
        raise NoDocumentsError("no-offer")
    return found


def _split_lines(content: bytes) -> SentDocuments:
    LineSplitter(item_bytes=schemas.MAX_OFFER_BYTES).feed(content)
    lines = [(at, line) for at, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if lines and declared_count(lines[-1][1]) is not None:
        lines.pop()
    items = [SentDocument(number, at, line) for number, (at, line) in enumerate(lines[:_MAX_DOCUMENTS], 1)]
    return SentDocuments(items, len(lines))


def _split_array(content: bytes) -> SentDocuments:
    if content.startswith(_BOM):
        raise NoDocumentsError("refused", problem=schemas.problem("json-bom", offset=0))
    splitter = ArraySplitter(item_bytes=len(content), array_bytes=len(content))
    items = splitter.feed(content)
    splitter.finish()
    at = content.find(b"[") + 1
    line = content.count(b"\n", 0, at) + 1
    found: list[SentDocument] = []
    for number, item in enumerate(items[:_MAX_DOCUMENTS], 1):
        begun = item.lstrip(_BLANK)
        before = item[: len(item) - len(begun)]
        found.append(SentDocument(number, line + before.count(b"\n"), begun))
        line += item.count(b"\n")
    return SentDocuments(found, len(items))


def _is_wide(content: bytes) -> bool:
    """Whether the beginning is UTF-16 or UTF-32 without a mark: every other byte is mostly zero."""
    begin = content[:_EXAMINED]
    zeros = max(begin[0::2].count(0), begin[1::2].count(0))
    return len(begin) > 3 and zeros > 0.4 * (len(begin) / 2)


def _is_binary(content: bytes) -> bool:
    begin = content[:_EXAMINED]
    controls = len(begin) - len(begin.translate(None, _CONTROLS))
    return b"\0" in begin or controls > len(begin) // 50


def _is_like_offers(array: bytes) -> bool:
    """Whether the items of an array are meant as offers: an array of other objects may be a feed."""
    items = _decode(array)
    if not isinstance(items, list):
        return True
    objects = [item for item in items[:3] if isinstance(item, dict)]
    return not objects or any(map(_is_like_offer, objects))


def _is_like_offer(document: Mapping[str, Any]) -> bool:
    return len(_SOME_KEYS & document.keys()) >= _ENOUGH_KEYS


def _holds_objects(document: Mapping[str, Any]) -> bool:
    """Whether a list or a member of the document holds objects, as feeds do."""
    for value in document.values():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and (
            isinstance(value, list) or any(isinstance(one, dict | list) for one in inner.values())
        ):
            return True
    return False


def _decode(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
