"""The gateway's ``TokenVerifier``: its own tokens and those of external issuers, each verified once and cached."""

import hashlib
from collections import OrderedDict
from dataclasses import replace

from gateway.clock import Clock
from gateway.errors import TokenError
from gateway.oauth.jws import UnverifiedToken, read_unverified, verify_signature
from gateway.oauth.remote import RemoteKeys
from gateway.oauth.token import LEEWAY_SECONDS, AccessTokens, check_claims, check_type, claims_of
from gateway.partners import Partners
from gateway.partners.revocation import Claims, still_holds

EXTERNAL_ALGORITHMS = ("ES256", "ES384", "RS256", "PS256")
CACHE_TOKENS = 10_000
EXTERNAL_CACHE_MS = 300_000
"""A key that an external issuer withdraws is unused after at most five minutes; own keys change by restart."""


class Verifier:
    """Verifies bearer tokens.

    A verified token is cached under its SHA-256 until it expires (10,000 entries, the least recently used evicted
    first). Whether the partner's record still has its credential is checked on each use.
    """

    def __init__(self, tokens: AccessTokens, partners: Partners, remote: RemoteKeys, *, clock: Clock) -> None:
        self._tokens = tokens
        self._partners = partners
        self._remote = remote
        self._clock = clock
        self._proved: OrderedDict[bytes, tuple[int, int, Claims]] = OrderedDict()

    async def verify(self, token: str) -> Claims:
        """The claims of a bearer token whose credential the partner still has. Raises TokenError."""
        claims = await self._verify_signature(token)
        partner = self._partners.get(claims.platform)
        if partner is None or not still_holds(claims, partner, now=self._clock()):
            raise TokenError("the credential that the token was issued for has been ended")
        return claims

    async def _verify_signature(self, token: str) -> Claims:
        key = hashlib.sha256(token.encode(errors="replace")).digest()
        now = self._clock()
        known = self._proved.get(key)
        if known is not None:
            since, until, claims = known
            if since <= now < until:
                self._proved.move_to_end(key)
                return claims
            del self._proved[key]
        unverified = read_unverified(token)
        if unverified.claims.get("iss") == self._tokens.issuer:
            claims = self._tokens.verify(token, unverified)
            until = claims.expires_at
        else:
            claims = await self._verify_external(token, unverified)
            until = min(claims.expires_at, now + EXTERNAL_CACHE_MS)
        self._remember(key, until, claims)
        return claims

    async def _verify_external(self, token: str, unverified: UnverifiedToken) -> Claims:
        """Verify a token of the issuer that a partner's record names. The token must name the partner by its slug, as
        its client (``client_id``, else ``azp``) or else its subject: an issuer serves many clients, and only the client
        with the platform's name acts for the platform. Raises TokenError.
        """
        check_type(unverified)
        claimed = unverified.claims
        platform = claimed.get("client_id", claimed.get("azp", claimed.get("sub")))
        partner = self._partners.get(platform) if isinstance(platform, str) else None
        if partner is None or partner.revoked or partner.issuer is None or claimed.get("iss") != partner.issuer:
            raise TokenError("no platform takes tokens of this issuer under this name")
        if unverified.header.get("alg") not in EXTERNAL_ALGORITHMS:
            raise TokenError(f"the algorithm must be one of {', '.join(EXTERNAL_ALGORITHMS)}")
        keys = await self._remote.keys(partner.issuer, unverified.kid)
        claims = verify_signature(token, unverified, keys=keys, algorithms=EXTERNAL_ALGORITHMS)
        check_claims(claims, issuer=partner.issuer, audience=self._tokens.issuer, now=self._clock())
        issued_at = claims.get("iat")
        return replace(
            claims_of(claims, platform=partner.platform),
            issuer=partner.issuer,
            issued_at=int(issued_at) if isinstance(issued_at, int | float) else None,
        )

    def _remember(self, key: bytes, until: int, claims: Claims) -> None:
        """Cache claims until an instant (ms), or until the clock goes back: then the token is verified again."""
        self._proved[key] = (self._clock() - LEEWAY_SECONDS * 1000, until, claims)
        if len(self._proved) > CACHE_TOKENS:
            self._proved.popitem(last=False)
