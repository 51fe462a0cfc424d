"""Requests and answers as they may be shown: without secrets and personal data, and truncated. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote

from schemas.personal import redact
from schemas.registry import may_hold

MASK = "•••"
_MAX_CHARACTERS = 4_000
"""Characters of a body that a record keeps."""
_MARGIN = 500
"""Characters dropped before a cut: a secret cut in two would no longer match its pattern."""
_NAMES = r"(?:[\w-]{0,40}[_-])?(?:token|secret|assertion|password|verifier|api[_-]?key)"
"""Names of members, parameters and headers that hold a secret."""
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_SECRET_HEADER = re.compile(rf"(?:proxy-)?authorization|(?:set-)?cookie|dpop|{_NAMES}", re.IGNORECASE)
_IN_JSON = re.compile(rf'("{_NAMES}"\s*:\s*")(?:[^"\\]|\\.)*', re.IGNORECASE)
_IN_FORM = re.compile(rf"(?<![^\s&?])({_NAMES}=)[^&\s]+", re.IGNORECASE)
_ENCODED_NAME = re.compile(r"(?<![^\s&?])([\w%-]*%[\w%-]*)=[^&\s]+")
_SIGNED = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}")
"""A JSON Web Token (RFC 7519)."""
_SCHEME = re.compile(r"\b(bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_may_hold_secret = may_hold(
    "(?i)token|secret|assertion|password|verifier|api[_-]?key|eyj|bearer|basic|dpop|%[2-7][0-9a-f]"
)
"""A necessary condition of the four, tested in a tenth of their time; most texts need none of them."""
_ESCAPED = re.compile(r"\\u(00[2-7][0-9a-f])", re.IGNORECASE)
_GZIP = b"\x1f\x8b"


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with credentials masked. Names become plain ``str``: those of HTTP libraries do not serialise as JSON."""
    return {
        str(name): MASK if _SECRET_HEADER.fullmatch(name) else _masked_value(str(value))
        for name, value in headers.items()
    }


@lru_cache(maxsize=500)
def _masked_value(value: str) -> str:
    """A header's value: most are the same in every exchange."""
    return masked_text(value)


def masked(content: bytes) -> str:
    """A body as masked text, truncated; a truncated text ends with the size in bytes. Of gzip, the size alone."""
    size = f"({len(content)} octets) / ({len(content)} bytes)"
    if content.startswith(_GZIP):
        return f"gzip {size}"
    # A character has at most four bytes, so this prefix holds at least the characters that are kept.
    begun = content[: 4 * (_MAX_CHARACTERS + _MARGIN)].decode(errors="backslashreplace")
    if len(begun) <= _MAX_CHARACTERS:
        return masked_text(begun)
    text = masked_text(begun[: _MAX_CHARACTERS + _MARGIN])
    return f"{text[: max(0, min(_MAX_CHARACTERS, len(text) - _MARGIN))]}… {size}"


def masked_text(text: str) -> str:
    """A text without secrets and personal data."""
    if _may_hold_secret(text):
        for pattern in (_IN_JSON, _IN_FORM):
            text = pattern.sub(rf"\1{MASK}", text)
        text = _ENCODED_NAME.sub(_masked_parameter, text)
        text = _SCHEME.sub(rf"\1 {MASK}", _SIGNED.sub(MASK, text))
    if "%40" in text or "%2B" in text.upper():
        text = _unescaped(text)
    return redact(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\\u00" in text else text)


def _masked_parameter(found: re.Match[str]) -> str:
    return f"{found[1]}={MASK}" if _SECRET_NAME.fullmatch(unquote(found[1])) else found[0]


def _unescaped(text: str) -> str:
    """The text with percent-encoding decoded where that reveals personal data, else unchanged."""
    plain = unquote(text)
    return plain if redact(plain) != plain else text
