"""Replay protection across replicas: the first claim of a ``jti`` on the ``requests`` topic wins."""

import hashlib

from gateway.ingest.idempotency import Claim, Requests
from gateway.oauth.authority import FirstUse


def first_use_on(requests: Requests) -> FirstUse:
    """Claim a ``jti`` as an idempotency key. A claim is kept for two days, longer than an assertion is valid; its key
    contains a space, which no partner's idempotency key can. The function returned raises LogErrors.
    """

    async def first_use(platform: str, token_id: str) -> bool:
        name = hashlib.sha256(token_id.encode()).hexdigest()
        outcome = await requests.claim(platform, f"jti {name}", name)
        if not isinstance(outcome, Claim):
            return False
        await requests.keep(outcome, 200, {}, "")
        return True

    return first_use
