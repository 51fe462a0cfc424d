"""Text of a feed: its actual encoding, even against its declaration, and its lines. Binary files are refused."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from adapters.formats.item import ITEM_CHARACTERS
from adapters.formats.mojibake import TWICE, mend_pieces
from adapters.formats.problem import ReadingProblem, UnusableFeedError, problem

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE_BYTES = 64 * 1024

Warnings: TypeAlias = list[ReadingProblem]

_KNOWN = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    # Latin-1 is read as Windows-1252, as in browsers: no text contains C1 controls.
    "iso-8859-1": "windows-1252",
    "latin1": "windows-1252",
    "latin-1": "windows-1252",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
    "iso-8859-15": "iso-8859-15",
    "latin9": "iso-8859-15",
    "latin-9": "iso-8859-15",
    "utf-16": "utf-16",
    TWICE: TWICE,
}
_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CERTAIN = ("utf-8", "utf-8-sig", "utf-16")
"""Encodings in which bytes of another encoding are not valid."""

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip, xlsx"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"%PDF", "pdf"),
)


def read_text(blocks: Iterable[bytes], named: str | None, warnings: Warnings) -> Iterator[str]:
    """The text of a feed in pieces, with line feeds as line ends and without byte order mark.

    The encoding is that of the byte order mark; else ``named`` (by the mapping); else that of the XML declaration; else
    UTF-8 if the bytes are valid, and Windows-1252 if not. If a single-byte encoding is declared but the bytes are
    UTF-8, they are read as UTF-8, with a warning. ``TWICE`` is UTF-8 that is mended. Raises UnusableFeedError.
    """
    if named == TWICE:
        yield from mend_pieces(read_text(blocks, "utf-8", warnings))
        return
    pieces = _cut(blocks)
    first = next(pieces, b"")
    kind = next((kind for magic, kind in _MAGIC if first.startswith(magic)), None)
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), None)
    declared = marked or named or _declared(first)
    if kind is None and declared != "utf-16" and b"\0" in first:
        kind = "NUL"
    if kind is not None:
        raise UnusableFeedError("feed-not-text", actual=kind)
    if declared in _CERTAIN:
        yield from _decode(codecs.getincrementaldecoder(declared)("strict"), declared, first, pieces)
    else:
        yield from _decode(_Settling(declared, warnings), declared or "utf-8", first, pieces)


def _decode(decoder: codecs.IncrementalDecoder, encoding: str, piece: bytes, pieces: Iterator[bytes]) -> Iterator[str]:
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    read = 0
    blank = True
    try:
        while piece:
            text = lines.decode(piece)
            blank = blank and not text.strip()
            yield text
            read += len(piece)
            piece = next(pieces, b"")
        yield lines.decode(b"", final=True)
    except UnicodeDecodeError as error:
        if not piece:
            raise UnusableFeedError("feed-cut", actual=encoding) from None
        # The error's object includes the bytes that the decoder kept from the piece before.
        offset = read + len(piece) - len(error.object) + error.start
        wrong = f"0x{error.object[error.start]:02x}"
        raise UnusableFeedError("encoding-wrong", expected=encoding, actual=wrong, offset=offset) from None
    except UnicodeError:
        raise UnusableFeedError("encoding-wrong", expected=f"{encoding}, BOM", actual="–", offset=0) from None
    if blank:
        raise UnusableFeedError("feed-empty")


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in pieces of one size: tiny and huge blocks cost no more than others."""
    held = bytearray()
    for block in blocks:
        view = memoryview(block)
        for start in range(0, len(view), PIECE_BYTES):
            held += view[start : start + PIECE_BYTES]
            if len(held) >= PIECE_BYTES:
                yield bytes(held[:PIECE_BYTES])
                del held[:PIECE_BYTES]
    if held:
        yield bytes(held)


def _declared(first: bytes) -> str | None:
    declaration = _DECLARATION.match(first.lstrip())
    if declaration is None:
        return None
    name = declaration[1].decode("ascii").lower()
    if name not in _KNOWN or name == TWICE:
        raise UnusableFeedError("encoding-unknown", expected=sorted(set(_KNOWN.values())), actual=name)
    return _KNOWN[name]


class _Settling(codecs.IncrementalDecoder):
    """Decoder that chooses the encoding at the first byte that is not ASCII."""

    def __init__(self, declared: str | None, warnings: Warnings) -> None:
        super().__init__("strict")
        self._declared = declared
        self._warnings = warnings
        self._held = b""
        self._settled: codecs.IncrementalDecoder | None = None

    def decode(self, piece: "ReadableBuffer", final: bool = False) -> str:  # noqa: FBT001, FBT002  # as in its base
        if self._settled is not None:
            return self._settled.decode(piece, final)
        held = self._held + bytes(piece)
        begin = _utf8_prefix(held, final=final)
        if begin is not None and begin.isascii():
            self._held = held[len(begin) :]
            return begin
        self._settled = codecs.getincrementaldecoder(self._settle(utf8=begin is not None))("strict")
        return self._settled.decode(held, final)

    def _settle(self, *, utf8: bool) -> str:
        if utf8 and self._declared is not None:
            self._warnings.append(problem("encoding-mistaken", expected="utf-8", actual=self._declared))
        if not utf8 and self._declared is None:
            self._warnings.append(problem("encoding-guessed", actual="windows-1252"))
        return "utf-8" if utf8 else self._declared or "windows-1252"


def _utf8_prefix(piece: bytes, *, final: bool) -> str | None:
    """The piece decoded as UTF-8, without an incomplete last character; None if it is not UTF-8."""
    try:
        return codecs.getincrementaldecoder("utf-8")("strict").decode(piece, final)
    except UnicodeDecodeError:
        return None


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without its line feed; ``ended``: it had one. ``text`` is None if the line is too long for an item."""

    number: int
    text: str | None
    ended: bool = True


def cut_lines(pieces: Iterable[str]) -> Iterator[TextLine]:
    """The lines, numbered from 1. Text after the last line feed is a line with ``ended`` False."""
    number, rest, long = 1, "", False
    for piece in pieces:
        first, *others = piece.split("\n")
        rest = "" if long else rest + first
        long = long or len(rest) > ITEM_CHARACTERS
        for other in others:
            yield TextLine(number, None if long else rest)
            number, rest = number + 1, other
            long = len(rest) > ITEM_CHARACTERS
    if rest or long:
        yield TextLine(number, None if long else rest, ended=False)
