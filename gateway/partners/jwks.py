"""Public keys of a partner: validation of a JWKS, before it is stored or trusted. Pure."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from schemas.decode import find_too_deep

MAX_KEYS = 10
MIN_RSA_BITS = 2048
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "k")


def jwks_findings(document: object) -> tuple[str, ...]:
    """The findings on a JSON Web Key Set for ``private_key_jwt``, one sentence each; empty if it is valid.

    Required: 1–10 public keys, EC on P-256 (ES256) or RSA of 2,048 bits or more (RS256), different ``kid`` if several.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        return ('It is not a JSON Web Key Set: expected an object {"keys": [...]} (RFC 7517, section 5).',)
    if find_too_deep(document):  # JSON is read to more levels than it can be written to
        return ("It is nested too deeply.",)
    keys = document["keys"]
    if not 1 <= len(keys) <= MAX_KEYS:
        return (f"It holds {len(keys)} keys; 1 to {MAX_KEYS} are expected.",)
    findings = [f"Key {number}: {finding}" for number, key in enumerate(keys, 1) for finding in _key_findings(key)]
    names = [key.get("kid") for key in keys if isinstance(key, Mapping)]
    if len(names) > 1 and (None in names or len({str(name) for name in names}) < len(names)):
        findings.append('Several keys: each needs its own "kid".')
    return tuple(findings)


def rsa_bits(key: Mapping[str, Any]) -> int:
    """The length of an RSA key's modulus in bits; 0 if it has none."""
    return int.from_bytes(_decoded(key.get("n"))).bit_length()


def _key_findings(key: object) -> list[str]:
    if not isinstance(key, Mapping):
        return ["not a JSON object."]
    if any(member in key for member in _PRIVATE):
        return ["it holds private or symmetric key material; hand in the public part only, and replace this key."]
    if key.get("use") not in (None, "sig"):
        return ['"use" must be "sig", or absent.']
    match key.get("kty"):
        case "EC":
            return _ec_findings(key)
        case "RSA":
            return _rsa_findings(key)
    return ['"kty" must be "EC" (P-256) or "RSA".']


def _ec_findings(key: Mapping[str, Any]) -> list[str]:
    if key.get("crv") != "P-256" or key.get("alg") not in (None, "ES256"):
        return ["an EC key must be on P-256, for ES256."]
    x, y = (_decoded(key.get(member)) for member in ("x", "y"))
    try:
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1())
        numbers.public_key()
    except ValueError:
        return ['"x" and "y" are not a point of P-256, 32 bytes each in base64url.']
    return []


def _rsa_findings(key: Mapping[str, Any]) -> list[str]:
    if key.get("alg") not in (None, "RS256"):
        return ['"alg" of an RSA key must be "RS256", or absent.']
    if rsa_bits(key) < MIN_RSA_BITS or not _decoded(key.get("e")):
        return [f"an RSA key needs a modulus of {MIN_RSA_BITS} bits or more, and an exponent."]
    return []


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        return b""
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
