"""Replayed assertions among replicas: the first to claim a ``jti`` on the ``requests`` topic has it."""

import hashlib

from gateway.ingest.idempotency import Claim, Requests
from gateway.oauth.authority import FirstUse


def first_use_on(requests: Requests) -> FirstUse:
    """Claims by the same means as idempotency keys. A claim is kept for two days, longer than an assertion lives; its
    key holds a space, which no idempotency key of a partner can. LogErrors are passed on.
    """

    async def first_use(platform: str, token_id: str) -> bool:
        name = hashlib.sha256(token_id.encode()).hexdigest()
        standing = await requests.claim(platform, f"jti {name}", name)
        if not isinstance(standing, Claim):
            return False
        await requests.keep(standing, 200, {}, "")
        return True

    return first_use
