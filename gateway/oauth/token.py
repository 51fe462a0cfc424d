"""Texts that the gateway signs: access tokens (JWTs of RFC 9068) and certificates, issued and verified.

Both are signed by the same keys. The ``typ`` header separates them: neither is accepted as the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

import schemas
from gateway.clock import CLOCKS_MS, Clock
from gateway.errors import TokenError
from gateway.oauth.jws import PublicKey, UnverifiedToken, read_unverified, verify_signature
from gateway.oauth.keys import ALGORITHM, KeyRing
from gateway.partners.revocation import Claims
from gateway.protocol.certificate import Certificate, Issued, read_statement, statement
from gateway.protocol.partner import SCOPES
from gateway.protocol.record import utc

LIFETIME_SECONDS = 3_600
LEEWAY_SECONDS = CLOCKS_MS // 1_000

_FAR_SECONDS = 2**40
_TYPES = ("at+jwt", "application/at+jwt")
CERTIFICATE_TYPE = "passerelle-certificate+jwt"


class AccessTokens:
    """Issues and verifies bearer tokens. ``issuer`` is the gateway's public URL, and their audience as well."""

    def __init__(self, keys: KeyRing, *, issuer: str, clock: Clock) -> None:
        self._keys = keys
        self.issuer = issuer.rstrip("/")
        self._clock = clock

    def issue(
        self,
        platform: str,
        scopes: Iterable[str],
        *,
        token_id: str,
        generation: str | None = None,
        credential: str | None = None,
    ) -> str:
        """A token for one hour. ``token_id`` becomes its ``jti``; ``generation`` and ``credential`` bind it to the
        partner's record (``still_holds``).
        """
        now = self._clock() // 1000
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self._keys.signer.kid}
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": platform,
            "client_id": platform,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": token_id,
        }
        bound = {"generation": generation, "credential": credential}
        claims |= {name: text for name, text in bound.items() if text is not None}
        return jws.serialize_compact(header, orjson.dumps(claims), self._keys.signer, algorithms=[ALGORITHM])

    def verify(self, token: str, unverified: UnverifiedToken) -> Claims:
        """The verified claims of one of the gateway's own tokens. Raises TokenError."""
        check_type(unverified)
        if unverified.kid is None:
            raise TokenError("the token does not name its key")
        claims = verify_signature(token, unverified, keys=self._keys.verifiers, algorithms=[ALGORITHM])
        check_claims(claims, issuer=self.issuer, audience=self.issuer, now=self._clock())
        return replace(
            claims_of(claims, platform=claims["sub"]),
            generation=_text(claims.get("generation")),
            credential=_text(claims.get("credential")),
        )


def check_type(unverified: UnverifiedToken) -> None:
    """Accept only access tokens, never an ID token or a client assertion that happens to fit (RFC 9068, 4). Raises
    TokenError.
    """
    if str(unverified.header.get("typ", "")).lower() not in _TYPES:
        raise TokenError('the token is not an access token: its "typ" must be "at+jwt"')


def check_claims(claims: Mapping[str, Any], *, issuer: str, audience: str, now: int) -> None:
    """Check issuer, audience and times; ``now`` in milliseconds since 1970. Raises TokenError naming the claim."""
    registry = JWTClaimsRegistry(
        now=now // 1000,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        raise TokenError(f"the token is not valid here and now: {error.error}") from error


def _text(claim: object) -> str | None:
    """A claim of the gateway as text; a claim of another type matches no existing value."""
    return None if claim is None else str(claim)


def claims_of(claims: Mapping[str, Any], *, platform: str) -> Claims:
    """The verified claims as a value of the port; ``expires_at`` in milliseconds since 1970."""
    named = claims.get("scope")
    granted = named.split() if isinstance(named, str) else ()
    return Claims(
        platform=platform,
        scopes=frozenset(scope for scope in SCOPES if scope in granted),
        expires_at=int(min(claims["exp"], _FAR_SECONDS)) * 1000,
    )


def sign_certificate(certificate: Certificate, keys: KeyRing) -> Issued:
    """The certificate with its text, signed by the first of the keys."""
    header = {"alg": ALGORITHM, "typ": CERTIFICATE_TYPE, "kid": keys.signer.kid}
    payload = orjson.dumps(statement(certificate))
    return Issued(certificate, jws.serialize_compact(header, payload, keys.signer, algorithms=[ALGORITHM]))


def signer_of(issued: Issued) -> str:
    """The ``kid`` of the signing key, which must stay in the JWKS as long as the certificate is valid."""
    return str(read_unverified(issued.signed).kid)


def verify_certificate(text: str, *, keys: Sequence[PublicKey], now: int) -> Certificate:
    """The certificate in a signed text, verified by one of these keys and valid at ``now`` (ms). Raises TokenError."""
    unverified = read_unverified(text)
    if str(unverified.header.get("typ")).lower().removeprefix("application/") != CERTIFICATE_TYPE:
        raise TokenError(f'it is no certificate: its "typ" must be {CERTIFICATE_TYPE}')
    if unverified.kid is None:
        raise TokenError("the certificate does not name its key")
    claims = verify_signature(text, unverified, keys=keys, algorithms=[ALGORITHM])
    if not schemas.validator("certificate").is_valid(claims):
        raise TokenError("the signature is right, but what it signs is not as the schema certificate has it")
    certificate = read_statement(claims)
    if certificate.issued_at > now + LEEWAY_SECONDS * 1_000:
        raise TokenError(f"the certificate is only valid from {utc(certificate.issued_at)} on")
    if certificate.expires_at <= now:
        raise TokenError(f"the certificate ended at {utc(certificate.expires_at)}")
    return certificate
