"""Signatures of pushes (Standard Webhooks, HMAC ``v1``), and the code by which the owner of a url agrees.

Keys are derived from the gateway's secret and a random nonce in the settings: no key is stored, and another secret
voids them all.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.protocol.subscription import SigningKey, Subscription

KEY_BYTES = 32
_PREFIX = "whsec_"
_CODE_BYTES = 10


def signing_secret(secret: bytes, platform: str, one: Subscription, key: SigningKey) -> str:
    """The secret of a key as its owner sets it in a library of Standard Webhooks."""
    return _PREFIX + base64.b64encode(_derived(secret, b"key", platform, one, key.nonce, KEY_BYTES)).decode()


def signed_headers(
    secret: bytes, platform: str, one: Subscription, *, message_id: str, body: bytes, now: int
) -> dict[str, str]:
    """The headers of a push with a signature of each key that signs now."""
    timestamp = str(now // 1_000)
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures: Sequence[bytes] = [
        hmac.digest(_derived(secret, b"key", platform, one, key.nonce, KEY_BYTES), content, hashlib.sha256)
        for key in one.signing(now)
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }


def consent_code(secret: bytes, platform: str, one: Subscription) -> str:
    """The code that tests send to the url, for this url alone."""
    return base64.b32encode(_derived(secret, b"code", platform, one, one.consent, _CODE_BYTES)).decode()


def _derived(secret: bytes, purpose: bytes, platform: str, one: Subscription, nonce: str, length: int) -> bytes:
    info = b"\n".join((b"passerelle push", purpose, platform.encode(), one.id.encode()))
    return HKDF(algorithm=SHA256(), length=length, salt=bytes.fromhex(nonce), info=info).derive(secret)
