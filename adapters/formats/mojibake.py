"""Mojibake: UTF-8 decoded as Windows-1252 (``DÃ©couverte``), once or several times, or lost signs (U+FFFD). Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

TWICE = "utf-8-twice"
"""The encoding of a feed of mojibake: UTF-8, repaired after decoding."""
LOST = "\ufffd"

_BYTES = {chr(byte): byte for byte in range(0x80, 0x100)}
_BYTES |= {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0xA0)}
"""The byte of each character of Windows-1252 and of Latin-1."""
_FOLLOWING = "[" + re.escape("".join(sign for sign, byte in _BYTES.items() if byte < 0xC0)) + "]"
_SEQUENCE = re.compile(f"[\u00c2-\u00df]{_FOLLOWING}|[\u00e0-\u00ef]{_FOLLOWING}{{2}}|[\u00f0-\u00f4]{_FOLLOWING}{{3}}")
"""Characters whose bytes have the form of one character of UTF-8."""
_PLAUSIBLE = re.compile(
    "[\u00a0-\u017f\u0192\u02c6\u02dc\u2010-\u203a\u20ac\u2122\u2190-\u21ff\ufeff\ufffd\U0001f300-\U0001faff]"
)
"""Characters that occur in offers; in French texts none of their sequences has another meaning."""
_MAX_TIMES = 3
_MAX_RUN = 400
"""Characters beyond ASCII held back at the end of a piece; more in a row are no text."""
_AROUND = 40


def mend(text: str) -> str:
    """The repaired text: up to three wrong decodings are undone."""
    for _ in range(_MAX_TIMES):
        mended = text if text.isascii() else _SEQUENCE.sub(_mended, text)
        if mended == text:
            break
        text = mended
    return text


def garbled(text: str) -> str | None:
    """The words around the first mojibake of a text; None if it has none."""
    if text.isascii():
        return None
    match = next((one for one in _SEQUENCE.finditer(text) if _mended(one) != one[0]), None)
    return None if match is None else _near(text, match.start())


def lost(text: str) -> str | None:
    """The words around the first lost character of a text; None if it has none."""
    at = text.find(LOST)
    return None if at < 0 else _near(text, at)


def mend_content(value: Any) -> Any:
    """A JSON value with mended texts and names."""
    if isinstance(value, str):
        return mend(value)
    if isinstance(value, list):
        return [mend_content(one) for one in value]
    if isinstance(value, dict):
        return {mend(name): mend_content(one) for name, one in value.items()}
    return value


def mend_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces of a text, repaired also across their boundaries."""
    held = ""
    for piece in pieces:
        text = held + piece
        end = len(text)
        while end and len(text) - end < _MAX_RUN and text[end - 1] in _BYTES:
            end -= 1
        held = text[end:]
        yield mend(text[:end])
    yield mend(held)


def holds_garbled(value: Any) -> bool:
    """Whether any text of a JSON value has mojibake."""
    if isinstance(value, str):
        return garbled(value) is not None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(map(holds_garbled, inner))


def _mended(match: re.Match[str]) -> str:
    try:
        sign = bytes(_BYTES[one] for one in match[0]).decode()
    except UnicodeDecodeError:
        return match[0]
    # Between two mistakes there are control characters: no other text has any.
    control = sign < "\u00a0" and match[0][-1] < "\u00a0"
    return sign if control or _PLAUSIBLE.fullmatch(sign) else match[0]


def _near(text: str, at: int) -> str:
    """The words around an index."""
    begin, end = max(0, at - _AROUND), min(len(text), at + _AROUND)
    return " ".join(text[begin:end].split())
