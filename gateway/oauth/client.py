"""A partner as an OAuth client of Authlib: its scopes, and its authentication by secret or by signed assertion.

Client assertions are RFC 7523's ``private_key_jwt``: a signature by a registered key, each usable once.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from gateway.clock import Clock
from gateway.errors import TokenError
from gateway.ingest.idempotency import Claim, Requests
from gateway.oauth.failed_attempts import ReplaysFullError, SeenAssertions
from gateway.oauth.jws import PublicKey, import_keys, read_unverified, verify_signature
from gateway.oauth.refusal import RefusalError
from gateway.oauth.token import LEEWAY_SECONDS
from gateway.partners.credential import matching_secret
from gateway.protocol.partner import SCOPES, Partner, Secret

GRANT_TYPE = "client_credentials"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
KEY_METHOD = "private_key_jwt"
METHODS = (*SECRET_METHODS, KEY_METHOD)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("ES256", "RS256")
ASSERTION_SECONDS = 600
_MAX_TOKEN_ID = 255

FirstUse: TypeAlias = Callable[[str, str], Awaitable[bool]]
"""Claims (platform, ``jti``) among all replicas; False if it was claimed before."""


class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """One partner at one instant."""

    def __init__(self, partner: Partner, *, now: int) -> None:
        self.partner = partner
        self.secret: Secret | None = None
        """The secret that authenticated it; None before."""
        self._now = now

    def get_client_id(self) -> str:
        """The slug of the platform."""
        return self.partner.platform

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the text is one of the live secrets."""
        self.secret = matching_secret(client_secret, self.partner.secrets, now=self._now)
        return self.secret is not None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Every method is allowed; the partner's credentials decide."""
        return endpoint == "token" and method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """Client credentials only."""
        return bool(grant_type == GRANT_TYPE)

    def granted(self, asked: str | None) -> tuple[str, ...]:
        """The granted scopes: all of the partner's, or those requested. Raises RefusalError for any other."""
        wanted = self.partner.scopes if asked is None else set(asked.split())
        if not wanted or not self.partner.scopes.issuperset(wanted):
            raise RefusalError("scope")
        return tuple(scope for scope in SCOPES if scope in wanted)


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

    def resolve_client_public_key(self, client: Client) -> tuple[PublicKey, ...]:
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
