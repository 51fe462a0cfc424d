"""Signed tokens (JWS, RFC 7515): what one claims, and whether its signature proves it. Pure.

Reading bounds size and depth before anything is believed; the algorithm is ours to choose, never the token's.
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
class Unproved:
    """What a token says before its signature was checked: good for choosing a key, for nothing else."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def kid(self) -> str | None:
        """The name of the signing key, where the token gives one."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def read_unproved(token: str) -> Unproved:
    """Header and claims as written. Raises TokenError for what is no signed token of at most 8 kB."""
    if len(token) > MAX_TOKEN_BYTES or token.count(".") != 2:  # nothing is split that is too long
        raise TokenError("not a signed token of at most 8 kB")
    header, claims = map(_decode_object, token.split(".")[:2])
    if "crit" in header or "b64" in header:
        raise TokenError("the token demands extensions that are not supported here")
    return Unproved(header, claims)


def prove(token: str, unproved: Unproved, *, keys: Sequence[PublicKey], algorithms: Sequence[str]) -> Mapping[str, Any]:
    """The claims, now proved by one of the keys. Raises TokenError.

    A ``kid`` must name its key; without one every key that fits the algorithm is tried (ten at most).
    """
    algorithm = str(unproved.header.get("alg"))
    if algorithm not in algorithms:
        raise TokenError(f"the algorithm must be one of {', '.join(algorithms)}")
    family = _FAMILIES[algorithm]
    fitting = [key for key in keys if isinstance(key, family) and unproved.kid in {None, key.kid}]
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for key in fitting[:_MAX_TRIES]:
        try:
            jws.deserialize_compact(token, key, registry=registry)
        except (JoseError, ValueError, TypeError):
            continue
        # the payload is the one that was read first: same bytes, one parser
        return unproved.claims
    raise TokenError("no known key proves the signature")


def import_keys(document: object) -> tuple[PublicKey, ...]:
    """The usable public keys of a JWKS: EC, and RSA of 2,048 bits or more; others are left aside (RFC 7517, 5)."""
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
