"""Certificates as JWS, signed by the gateway's own keys and verifiable offline against its JWKS.

The ``typ`` header separates them from access tokens, which the same keys sign: neither is accepted as the other.
"""

from collections.abc import Sequence

import orjson
from joserfc import jws

import schemas
from gateway.errors import TokenError
from gateway.oauth.jws import PublicKey, read_unverified, verify_signature
from gateway.oauth.keys import ALGORITHM, KeyRing
from gateway.oauth.token import LEEWAY_SECONDS
from gateway.protocol.certificate import Certificate, Issued, read_statement, statement
from gateway.protocol.record import utc

TYPE = "passerelle-certificate+jwt"


def sign_certificate(certificate: Certificate, keys: KeyRing) -> Issued:
    """The certificate with its text, signed by the first of the keys."""
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": keys.signer.kid}
    payload = orjson.dumps(statement(certificate))
    return Issued(certificate, jws.serialize_compact(header, payload, keys.signer, algorithms=[ALGORITHM]))


def signer_of(issued: Issued) -> str:
    """The ``kid`` of the signing key, which must stay in the JWKS as long as the certificate is valid."""
    return str(read_unverified(issued.signed).kid)


def verify_certificate(text: str, *, keys: Sequence[PublicKey], now: int) -> Certificate:
    """The certificate in a signed text, verified by one of these keys and valid at ``now`` (ms). Raises TokenError."""
    unverified = read_unverified(text)
    if str(unverified.header.get("typ")).lower().removeprefix("application/") != TYPE:
        raise TokenError(f'it is no certificate: its "typ" must be {TYPE}')
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
