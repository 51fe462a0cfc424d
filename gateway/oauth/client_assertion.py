"""Client assertions (``private_key_jwt``, RFC 7523): a signature by a registered key, each usable once."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from gateway.clock import Clock
from gateway.errors import TokenError
from gateway.ingest.idempotency import Claim, Requests
from gateway.oauth.client import KEY_METHOD, OAuthClient
from gateway.oauth.failed_attempts import ReplaysFullError, SeenAssertions
from gateway.oauth.jws import PublicKey, import_keys, read_unverified, verify_signature
from gateway.oauth.refusal import RefusalError
from gateway.oauth.token import LEEWAY_SECONDS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "RS256")
ASSERTION_SECONDS = 600
_MAX_TOKEN_ID = 255
FirstUse: TypeAlias = Callable[[str, str], Awaitable[bool]]
"""Claims (platform, ``jti``) among all replicas; False if it was claimed before."""


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib has no types
    """Accepts ES256 or RS256 by a registered key, for ten minutes at most, for this gateway, each ``jti`` once."""

    CLIENT_AUTH_METHOD = KEY_METHOD

    def __init__(self, *, audiences: Sequence[str], clock: Clock, elapsed: Clock) -> None:
        super().__init__()
        self._audiences = list(audiences)
        self._clock = clock
        self._elapsed = elapsed
        self._replays = SeenAssertions()

    def extract_assertion(self, assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Header and claims, not yet verified. Raises RefusalError."""
        try:
            unverified = read_unverified(assertion)
        except TokenError:
            raise RefusalError("assertion-unreadable") from None
        return unverified.header, unverified.claims

    def resolve_client_public_key(self, client: OAuthClient) -> tuple[PublicKey, ...]:
        """The partner's registered keys."""
        return import_keys(client.partner.jwks)

    def process_assertion_claims(self, assertion: str, resolve_key: Sequence[PublicKey]) -> Mapping[str, Any]:
        """Verify the signature, then the claims, so that only the owner of the key learns which claim is wrong. Raises
        RefusalError.
        """
        unverified = read_unverified(assertion)
        if unverified.header.get("alg") not in ASSERTION_ALGORITHMS:
            raise RefusalError("assertion-algorithm")
        try:
            claims = verify_signature(assertion, unverified, keys=resolve_key, algorithms=ASSERTION_ALGORITHMS)
        except TokenError:
            raise RefusalError("assertion-signature") from None
        self._check_claims(claims)
        return claims

    def _check_claims(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        registry = JWTClaimsRegistry(
            now=now // 1000,
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": claims["sub"]},
            sub={"essential": True},
            aud={"essential": True, "values": self._audiences},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            registry.validate(dict(claims))
        except JoseError as error:
            raise RefusalError(_reason(error)) from None
        if claims["exp"] > now // 1000 + ASSERTION_SECONDS + LEEWAY_SECONDS:
            raise RefusalError("assertion-too-long")
        if len(claims["jti"]) > _MAX_TOKEN_ID:
            raise RefusalError("assertion-claims")
        # Kept by the monotonic clock until the assertion expires: a jump of the wall clock neither drops a valid one
        # nor keeps an expired one.
        elapsed = self._elapsed()
        until = elapsed + int(claims["exp"] + LEEWAY_SECONDS + 1) * 1000 - now
        try:
            first = self._replays.first_use(claims["sub"], claims["jti"], until=until, now=elapsed)
        except ReplaysFullError:
            raise RefusalError("too-many", retry_after=LEEWAY_SECONDS) from None
        if not first:
            raise RefusalError("assertion-replayed")


def _reason(error: JoseError) -> str:
    if isinstance(error, ExpiredTokenError):
        return "assertion-expired"
    if isinstance(error, InvalidClaimError) and error.claim == "aud":
        return "assertion-audience"
    return "assertion-claims"


def first_use_on(requests: Requests) -> FirstUse:
    """Replay protection across replicas: claim a ``jti`` as an idempotency key. A claim is kept for two days, longer
    than an assertion is valid; its key contains a space, which no partner's idempotency key can. The function returned
    raises LogErrors.
    """

    async def first_use(platform: str, token_id: str) -> bool:
        name = hashlib.sha256(token_id.encode()).hexdigest()
        outcome = await requests.claim(platform, f"jti {name}", name)
        if not isinstance(outcome, Claim):
            return False
        await requests.keep(outcome, 200, {}, "")
        return True

    return first_use
