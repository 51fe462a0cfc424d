"""Pushes as Standard Webhooks signs them, written without the code of gateway and client."""

import base64
import hashlib
import hmac

from gateway.clock import now


def signed(body: bytes, *secrets: str, seconds: int = 0, message: str = "msg_1") -> dict[str, str]:
    """The headers of a push that was signed so many seconds from now, with each of the secrets."""
    timestamp = str(now() // 1_000 + seconds)
    content = f"{message}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    signatures = [base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
