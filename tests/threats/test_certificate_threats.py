"""[T-28] A certificate is accepted exactly as the gateway signed it, and gives no access."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.errors import TokenError
from gateway.oauth.jws import read_unverified
from gateway.oauth.keys import KeyRing
from gateway.oauth.token import CERTIFICATE_TYPE, AccessTokens, sign_certificate, verify_certificate
from gateway.protocol.certificate import Certificate, EvidenceVersions, statement

ISSUER = "https://passerelle.example"
NOW = 1_790_000_000_000
YEAR_MS = 365 * 24 * 3_600_000
KEYS, STRANGERS = (KeyRing([ECKey.generate_key("P-256", auto_kid=True)]) for _ in range(2))
CERTIFICATE = Certificate(
    id="0" * 32,
    issuer=ISSUER,
    platform="bretagne",
    role="publisher",
    profile="core",
    versions=EvidenceVersions(kit="1", protocol="1", schema="1", rules="1"),
    evidence="sha256:" + "0" * 64,
    issued_at=NOW,
    expires_at=NOW + YEAR_MS,
)
GENUINE = sign_certificate(CERTIFICATE, KEYS).signed


def test_a_genuine_certificate_is_read_as_signed() -> None:
    assert CERTIFICATE == verify_certificate(GENUINE, keys=KEYS.verifiers, now=NOW)


def altered(text: str) -> str:
    """The same signature under another statement."""
    header, _, signature = text.split(".")
    claims = orjson.dumps(statement(replace(CERTIFICATE, platform="normandie")))
    return f"{header}.{urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"


def unsigned(text: str) -> str:
    """No algorithm, and so no signature."""
    header = orjson.dumps({"alg": "none", "typ": CERTIFICATE_TYPE, "kid": KEYS.signer.kid})
    return f"{urlsafe_b64encode(header).rstrip(b'=').decode()}.{text.split('.')[1]}."


def strange(_: str) -> str:
    """Another key under the name of ours."""
    header = {"alg": "ES256", "typ": CERTIFICATE_TYPE, "kid": KEYS.signer.kid}
    return jws.serialize_compact(header, orjson.dumps(statement(CERTIFICATE)), STRANGERS.signer, algorithms=["ES256"])


def mistyped(_: str) -> str:
    """The same statement, signed by our own key as something else."""
    header = {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.signer.kid}
    return jws.serialize_compact(header, orjson.dumps(statement(CERTIFICATE)), KEYS.signer, algorithms=["ES256"])


def token(_: str) -> str:
    """Something else that the gateway's own key signed."""
    return AccessTokens(KEYS, issuer=ISSUER, clock=lambda: NOW).issue("bretagne", ["offers:publish"], token_id="x")


@pytest.mark.parametrize("forge", [altered, unsigned, strange, mistyped, token])
def test_a_forged_certificate_is_refused(forge: Callable[[str], str]) -> None:
    with pytest.raises(TokenError):
        verify_certificate(forge(GENUINE), keys=KEYS.verifiers, now=NOW)


@pytest.mark.parametrize("now", [NOW - YEAR_MS, NOW + YEAR_MS])
def test_a_certificate_is_invalid_outside_of_its_period(now: int) -> None:
    with pytest.raises(TokenError):
        verify_certificate(GENUINE, keys=KEYS.verifiers, now=now)


def test_a_certificate_gives_no_access() -> None:
    """The same key signs access tokens, and certificates are public."""
    tokens = AccessTokens(KEYS, issuer=ISSUER, clock=lambda: NOW)
    assert "bretagne" == tokens.verify(token(""), read_unverified(token(""))).platform
    with pytest.raises(TokenError, match="not an access token"):
        tokens.verify(GENUINE, read_unverified(GENUINE))
