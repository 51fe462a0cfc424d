"""Pushes: their signatures (Standard Webhooks, HMAC ``v1``), and their pages, which the same store applies."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from passerelle_client import clock
from passerelle_client.errors import ClientError, Language, SignatureError
from passerelle_client.page import Page
from passerelle_client.store import Store

_PREFIX = "whsec_"
_TOLERANCE_SECONDS = 300
_LEAST_BYTES = 16
"""Shorter keys are guessed, or not set."""


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secrets: str | Iterable[str],
    *,
    now: float | None = None,
    language: Language = "fr",
) -> None:
    """Check that one of the secrets signed this body in the last five minutes; a rotation has two. ``headers`` may be
    of any framework, ``body`` is the bytes as received. Raises SignatureError, ClientError for an unreadable secret.
    """
    named = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    if not (message_id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise SignatureError("signature", language, text="webhook-id, webhook-timestamp")
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (one.partition(",") for one in named.get("webhook-signature", "").split())
    offered = [text.encode() for version, _, text in signatures if version == "v1"]
    found = False
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        expected = base64.b64encode(hmac.digest(_key(secret, language), signed, hashlib.sha256))
        for text in offered:
            found |= hmac.compare_digest(expected, text)
    if not found:
        raise SignatureError("signature", language, text="webhook-signature")
    if abs((clock.now() / 1000 if now is None else now) - int(timestamp)) > _TOLERANCE_SECONDS:
        raise SignatureError("signature-old", language, minutes=_TOLERANCE_SECONDS // 60)


def receive(
    store: Store, headers: Mapping[str, str], body: bytes, secrets: str | Iterable[str], **options: Any
) -> None:
    """Verify a push and apply its page; answer 204 when it returns. Raises SignatureError (answer 401), PageError."""
    verify(headers, body, secrets, **options)
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    store.apply(Page.read(value, options.get("language", "fr")))


def _key(secret: str, language: Language) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < _LEAST_BYTES:
        raise ClientError("secret", language)
    return key
