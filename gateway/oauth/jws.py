"""Signed tokens (JWS, RFC 7515): their claims, and the verification of their signature. Pure.

Size and depth are bounded before anything is trusted; the gateway chooses the algorithm, never the token.
"""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from gateway.errors import TokenError
from gateway.partners.jwks import MIN_RSA_BITS, rsa_bits

PublicKey = ECKey | RSAKey

MAX_TOKEN_BYTES = 8 * 1024
_FAMILIES: Mapping[str, type[ECKey] | type[RSAKey]] = {
    "ES256": ECKey,
    "ES384": ECKey,
    "RS256": RSAKey,
    "PS256": RSAKey,
}
_MAX_TRIES = 10


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """Header and claims of a token before its signature is verified: usable to choose a key, and for nothing else."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def kid(self) -> str | None:
        """The name of the signing key, if the token gives one."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def read_unverified(token: str) -> UnverifiedToken:
    """Header and claims as written. Raises TokenError for anything but a signed token of at most 8 kB."""
    if len(token) > MAX_TOKEN_BYTES or token.count(".") != 2:  # length first: a long text is never split
        raise TokenError("not a signed token of at most 8 kB")
    header, claims = map(_decode_object, token.split(".")[:2])
    if "crit" in header or "b64" in header:
        raise TokenError("the token demands extensions that are not supported here")
    return UnverifiedToken(header, claims)


def verify_signature(
    token: str, unverified: UnverifiedToken, *, keys: Sequence[PublicKey], algorithms: Sequence[str]
) -> Mapping[str, Any]:
    """The claims, verified by one of the keys. Raises TokenError.

    A ``kid`` must name its key; without one, every key that fits the algorithm is tried (ten at most).
    """
    algorithm = str(unverified.header.get("alg"))
    if algorithm not in algorithms:
        raise TokenError(f"the algorithm must be one of {', '.join(algorithms)}")
    family = _FAMILIES[algorithm]
    fitting = [key for key in keys if isinstance(key, family) and unverified.kid in {None, key.kid}]
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for key in fitting[:_MAX_TRIES]:
        try:
            jws.deserialize_compact(token, key, registry=registry)
        except (JoseError, ValueError, TypeError):
            continue
        # the payload as parsed before: same bytes, one parser
        return unverified.claims
    raise TokenError("no known key proves the signature")


def preload() -> None:
    """Verify a token of a new key once: cryptography imports parts of itself at first use, which needs descriptors."""
    key = ECKey.generate_key("P-256")
    token = jws.serialize_compact({"alg": "ES256"}, b"{}", key, algorithms=["ES256"])
    public = ECKey.import_key(key.as_dict(private=False))
    verify_signature(token, read_unverified(token), keys=(public,), algorithms=("ES256",))


def import_keys(document: object) -> tuple[PublicKey, ...]:
    """The usable public keys of a JWKS: EC, and RSA of 2,048 bits or more; others are skipped (RFC 7517, 5)."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    keys: list[PublicKey] = []
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("kty") not in ("EC", "RSA"):
            continue
        if entry["kty"] == "RSA" and rsa_bits(entry) < MIN_RSA_BITS:
            continue
        try:
            key = JWKRegistry.import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, ECKey | RSAKey):
            keys.append(key)
    return tuple(keys)


def _decode_object(part: str) -> Mapping[str, Any]:
    try:
        value = orjson.loads(urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4)))
    except (ValueError, binascii.Error):
        value = None
    if not isinstance(value, dict):
        raise TokenError("the token's header and claims must be JSON objects")
    return value
