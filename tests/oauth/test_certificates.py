"""Certificates as signed texts: verified by the gateway's keys, and never accepted as a token, nor a token as one."""

from typing import Any

import pytest
from joserfc.jwk import ECKey

from gateway.errors import TokenError
from gateway.oauth.jws import import_keys
from gateway.oauth.keys import KeyRing
from gateway.oauth.token import CERTIFICATE_TYPE, AccessTokens, sign_certificate, signer_of, verify_certificate
from gateway.protocol.certificate import Certificate, statement
from tests.oauth.oauth_harness import BRETAGNE, OAuthHarness, sign
from tests.protocol.certified import DAY, NOW, certificate

RING = KeyRing([ECKey.generate_key("P-256", auto_kid=True)])
HEADER = {"typ": CERTIFICATE_TYPE, "kid": RING.signer.kid}
SIGNED = sign_certificate(certificate(), RING)


def proved(text: str, *, ring: KeyRing = RING, now: int = NOW) -> Certificate:
    """Verification by the public part of the keys, as fetched by a verifier."""
    return verify_certificate(text, keys=import_keys(ring.jwks()), now=now)


def forged(**changes: Any) -> str:
    return sign(RING.signer, {**statement(certificate()), **changes}, HEADER)


def test_a_certificate_is_proved_by_the_published_keys_alone() -> None:
    """CER-002"""
    assert certificate() == proved(SIGNED.signed)
    assert RING.signer.kid == signer_of(SIGNED)


def test_a_key_that_no_longer_signs_proves_what_it_signed() -> None:
    """CER-002"""
    newer = KeyRing([ECKey.generate_key("P-256", auto_kid=True), RING.signer])
    assert certificate() == proved(SIGNED.signed, ring=newer)


def test_a_key_that_is_not_published_proves_nothing() -> None:
    """CER-002"""
    with pytest.raises(TokenError, match="no known key"):
        proved(SIGNED.signed, ring=KeyRing([ECKey.generate_key("P-256", auto_kid=True)]))


def test_a_changed_certificate_proves_nothing() -> None:
    """CER-002"""
    header, _, signature = SIGNED.signed.split(".")
    claims = sign_certificate(certificate(expires_at=NOW + 999 * DAY), RING).signed.split(".")[1]
    with pytest.raises(TokenError, match="no known key"):
        proved(f"{header}.{claims}.{signature}")


def test_a_certificate_is_void_after_its_end_and_before_its_beginning() -> None:
    """CER-002: a minute is left to the clocks of two machines."""
    assert certificate() == proved(SIGNED.signed, now=NOW + 100 * DAY - 1)
    with pytest.raises(TokenError, match="the certificate ended at 2027-03-10"):
        proved(SIGNED.signed, now=NOW + 100 * DAY)
    assert certificate() == proved(SIGNED.signed, now=NOW - 60_000)
    with pytest.raises(TokenError, match="only valid from"):
        proved(SIGNED.signed, now=NOW - 60_001)


@pytest.mark.parametrize(
    "header",
    [{"typ": "at+jwt"}, {"typ": "JWT"}, {"typ": None}, {"kid": None}],
    ids=["token", "jwt", "no type", "no key"],
)
def test_another_type_or_an_unnamed_key_is_refused(header: dict[str, Any]) -> None:
    """CER-002"""
    whole = {name: value for name, value in {**HEADER, **header}.items() if value is not None}
    text = sign(RING.signer, statement(certificate()), {"typ": "x", **whole})
    with pytest.raises(TokenError, match=r"it is no certificate|does not name its key"):
        proved(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "national"},
        {"sub": "Bretagne"},
        {"exp": "never"},
        {"exp": 2**60},
        {"evidence": "sha256:x"},
        {"more": 1},
        {"versions": {}},
    ],
)
def test_claims_that_are_not_of_the_schema_are_refused(changes: dict[str, Any]) -> None:
    """CER-002: even where the signature is right."""
    with pytest.raises(TokenError, match="schema certificate"):
        proved(forged(**changes))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "e30.e30.e30", "a" * 9_000])
def test_a_text_that_is_not_signed_is_refused(text: str) -> None:
    """CER-002"""
    with pytest.raises(TokenError):
        proved(text)


async def test_an_access_token_is_no_certificate_and_a_certificate_no_access_token(harness: OAuthHarness) -> None:
    """CER-002"""
    token = AccessTokens(harness.keys, issuer=harness.tokens.issuer, clock=harness.clock).issue(
        BRETAGNE.platform, ["offers:read"], token_id="a"
    )
    with pytest.raises(TokenError, match="it is no certificate"):
        proved(token, ring=harness.keys, now=harness.clock())
    signed = sign_certificate(certificate(issuer=harness.tokens.issuer), harness.keys).signed
    with pytest.raises(TokenError, match="not an access token"):
        await harness.verifier.verify(signed)
