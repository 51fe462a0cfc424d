"""Sealed tokens: opaque text that only the gateway can have made (cursors, marks, receipt ids)."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

MAC_BYTES = 12


class Seal:
    """Makes and opens sealed text under one secret key; ``purpose`` keeps the kinds of token apart."""

    __slots__ = ("_key",)

    def __init__(self, secret: bytes, *, purpose: str) -> None:
        self._key = hashlib.blake2b(purpose.encode(), key=secret[:64], digest_size=32).digest()

    def mac(self, payload: bytes) -> bytes:
        """The keyed BLAKE2b tag (12 bytes, RFC 7693) of a payload."""
        return hashlib.blake2b(payload, key=self._key, digest_size=MAC_BYTES).digest()

    def close(self, payload: bytes) -> str:
        """Payload and tag as base64url text without padding."""
        return urlsafe_b64encode(self.mac(payload) + payload).rstrip(b"=").decode()

    def open(self, text: str) -> bytes | None:
        """The payload, or None for text that was not closed under this key and purpose. Compares in constant time."""
        try:
            payload = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))[MAC_BYTES:]
        except ValueError:
            return None
        # The whole text is compared: base64 has many spellings of the same bytes, of which only one was issued.
        return payload if hmac.compare_digest(self.close(payload), text) else None
