"""Opaque texts that only their maker reads again: cursors, marks, receipt ids (SEC-006)."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

_TAG_BYTES = 16
_FILLER = 192
"""Random bytes in a cursor: those of a gateway hold a position for each partition, and have no known length."""


class Seal:
    """Closes JSON values under a key of its own and opens them again. No two texts are alike, even of one value."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def close(self, purpose: str, *values: Any) -> str:
        """The text: base64url, with letters of both cases."""
        payload = orjson.dumps([purpose, secrets.token_urlsafe(_FILLER), *values])
        return _text(self._tag(payload) + payload)

    def open(self, purpose: str, text: str) -> list[Any] | None:
        """The values; None for any text that ``close`` did not write for this purpose."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        except ValueError:
            return None
        tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        # The text is compared too: base64 has many spellings of the same bytes, of which only one was issued.
        if not hmac.compare_digest(self._tag(payload), tag) or _text(raw) != text:
            return None
        named, _, *values = orjson.loads(payload)
        return values if named == purpose else None

    def _tag(self, payload: bytes) -> bytes:
        return hashlib.blake2b(payload, key=self._key, digest_size=_TAG_BYTES).digest()


def new_id(kind: str, size: int = 12) -> str:
    """A new id: one letter and random bytes as base64url, such as ``b…`` for a batch."""
    return kind + _text(secrets.token_bytes(size))


def derived_id(kind: str, text: str) -> str:
    """The id that belongs to a text, always the same."""
    return kind + _text(hashlib.blake2b(text.encode(), digest_size=12).digest())


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
