"""Sealed tokens: opaque text that only the gateway can have made (cursors, marks, receipt ids)."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from types import UnionType
from typing import Any

import orjson

MAC_BYTES = 12
_HEAD = 2 + 6
_PAYLOAD = _HEAD + 8
INTEGERS = "integers"
"""In ``sealed_members``: a list of integers from 0 to 2⁶³ - 1."""


def sealed_members(payload: bytes, *kinds: type | str | UnionType) -> list[Any] | None:
    """The members of a sealed JSON list, each of its kind; None for content of another form, which another version may
    have sealed.
    """
    try:
        members = orjson.loads(payload)
    except ValueError:
        return None
    if not isinstance(members, list) or len(members) != len(kinds):
        return None
    return members if all(map(is_of, members, kinds)) else None


def is_of(value: Any, kind: type | str | UnionType) -> bool:
    """Whether a value of sealed JSON is of a kind."""
    if isinstance(kind, str):
        return isinstance(value, list) and all(is_of(one, int) for one in value)
    if kind is int:
        return type(value) is int and 0 <= value < 1 << 63
    return isinstance(value, kind)


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


class ReceiptIds:
    """Mints and reads receipt ids: ``r`` + base64url(partition, time in ms, nonce, tag).

    The tag covers the publisher's slug as well, so that another publisher's id is rejected like a forged one.
    """

    __slots__ = ("_seal",)

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, purpose="receipt")

    def mint(self, publisher: str, *, partition: int, now: int, nonce: bytes) -> str:
        """A new id; ``nonce`` is 8 random bytes, ``now`` milliseconds since 1970."""
        return self._write(publisher, partition.to_bytes(2) + now.to_bytes(6) + nonce[:8])

    def derive(self, publisher: str, *, partition: int, parts: tuple[Any, ...]) -> str:
        """The id of a command of the gateway: the same parts give the same id, so that resending is harmless."""
        digest = self._seal.mac(orjson.dumps(parts))
        return self._write(publisher, partition.to_bytes(2) + bytes(6) + digest[:8])

    def read(self, text: str, *, publisher: str) -> tuple[int, int] | None:
        """Partition and minting time (0 for derived ids), or None when this publisher never got such an id."""
        if len(text) > 64 or not text.startswith("r"):
            return None
        try:
            raw = urlsafe_b64decode(text[1:].encode("ascii") + b"=" * (-len(text[1:]) % 4))
        except ValueError:
            return None
        if len(raw) != _PAYLOAD + MAC_BYTES or not hmac.compare_digest(self._write(publisher, raw[:_PAYLOAD]), text):
            return None
        return int.from_bytes(raw[:2]), int.from_bytes(raw[2:_HEAD])

    def _write(self, publisher: str, payload: bytes) -> str:
        tag = self._seal.mac(payload + publisher.encode())
        return "r" + urlsafe_b64encode(payload + tag).rstrip(b"=").decode()
