"""Batches: split a body of NDJSON or a JSON array into documents, byte for byte, and inflate gzip. Pure."""

import re
import zlib
from collections.abc import Iterator

from conformance.words import LocalisedError, Texts, say

_GZIP = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 65_536
_SPACE = b" \t\n\r"
"""JSON white space (RFC 8259, 2)."""
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
"""A whole string, whose content is skipped; the quote of an unterminated one; a structural character."""


class UnreadableBatchError(LocalisedError):
    """A body cannot be split into documents; ``code`` is the problem's."""

    def __init__(self, text: Texts, *, code: str) -> None:
        super().__init__(text)
        self.code = code


def split_batch(content: bytes) -> Iterator[bytes]:
    """The documents of an uncompressed body, lines or an array by its first character. Raises UnreadableBatchError."""
    return split_array(content) if content.lstrip(_SPACE).startswith(b"[") else split_lines(content)


def split_lines(content: bytes) -> Iterator[bytes]:
    """The lines that are not blank."""
    return (line for line in content.split(b"\n") if line.strip())


def split_array(content: bytes) -> Iterator[bytes]:
    """The items of a JSON array, between its own commas. Raises UnreadableBatchError."""
    begun = content.lstrip(_SPACE)
    if not begun.startswith(b"["):
        raise UnreadableBatchError(say("array-not-one"), code="body-malformed")
    content, begin, depth = begun[1:], 0, 1
    for token in _TOKEN.finditer(content):
        match token[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
                if depth == 0:
                    yield from _last_item(content, begin, token)
                    return
            case b"," if depth == 1:
                yield content[begin : token.start()]
                begin = token.end()
            case b'"':
                break
    raise UnreadableBatchError(say("array-endless"), code="body-truncated")


def _last_item(content: bytes, begin: int, end: re.Match[bytes]) -> Iterator[bytes]:
    """The item before the closing bracket; none in an empty array."""
    if end[0] != b"]" or content[end.end() :].strip(_SPACE):
        raise UnreadableBatchError(say("array-not-one"), code="body-malformed")
    item = content[begin : end.start()]
    if begin or item.strip(_SPACE):
        yield item


def inflate(content: bytes, *, most: int) -> bytes:
    """The concatenated members of a gzip, at most ``most`` bytes in all. Raises UnreadableBatchError."""
    plain = bytearray()
    member = zlib.decompressobj(_GZIP)
    for start in range(0, len(content), _PIECE_BYTES):
        block = content[start : start + _PIECE_BYTES]
        while block:
            if member.eof:
                member = zlib.decompressobj(_GZIP)
            try:
                plain += member.decompress(block, most + 1 - len(plain))
            except zlib.error as error:
                raise UnreadableBatchError(say("gzip-none", error=error), code="body-malformed") from error
            if len(plain) > most:
                raise UnreadableBatchError(say("gzip-too-large", most=most), code="body-too-large")
            block = member.unused_data
    if not member.eof:
        raise UnreadableBatchError(say("gzip-cut"), code="body-truncated")
    return bytes(plain)
