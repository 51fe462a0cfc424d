"""The gateway's own bearer tokens: accepted and refused ones, and the lifetime of the cache."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from gateway.errors import TokenError
from gateway.oauth.jws import read_unverified, verify_signature
from gateway.oauth.token import check_claims
from gateway.oauth.verifier import CACHE_TOKENS
from gateway.partners.credential import revoke
from gateway.partners.revocation import Claims
from tests.oauth.oauth_harness import BRETAGNE, ISSUER, PARTNER_KEY, OAuthHarness, sign

HEADER = {"typ": "at+jwt"}


def own(harness: OAuthHarness, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A token of the gateway with the test's changes; None leaves a claim out."""
    now = harness.clock() // 1000
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "bretagne",
        "scope": "offers:read",
        "iat": now,
        "exp": now + 3600,
        "jti": "x",
        **changes,
    }
    whole = {"typ": "at+jwt", "kid": harness.keys.signer.kid, **(header or {})}
    return sign(harness.keys.signer, {name: value for name, value in claims.items() if value is not None}, whole)


async def test_a_token_proves_platform_scopes_and_end(harness: OAuthHarness) -> None:
    token = harness.tokens.issue("bretagne", ["offers:read"], token_id="a")
    expected = Claims("bretagne", frozenset({"offers:read"}), harness.clock() + 3_600_000)
    assert expected == await harness.verifier.verify(token)
    assert expected == await harness.verifier.verify(own(harness))


def test_a_token_is_as_rfc_9068_wants_it(harness: OAuthHarness) -> None:
    unproved = read_unverified(harness.tokens.issue("bretagne", ["offers:read"], token_id="a"))
    assert {"alg": "ES256", "typ": "at+jwt", "kid": harness.keys.signer.kid} == unproved.header
    now = harness.clock() // 1000
    assert {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "bretagne",
        "client_id": "bretagne",
        "scope": "offers:read",
        "iat": now,
        "exp": now + 3600,
        "jti": "a",
    } == unproved.claims


def _unsigned(harness: OAuthHarness) -> str:
    _, claims, _ = own(harness).split(".")
    head = urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"x"}').rstrip(b"=").decode()
    return f"{head}.{claims}."


def _forged(harness: OAuthHarness) -> str:
    head, _, signature = own(harness).split(".")
    _, claims, _ = own(harness, sub="occitanie").split(".")
    return f"{head}.{claims}.{signature}"


def _own_key_in_the_header(harness: OAuthHarness) -> str:
    """A forger's key, offered by the token itself."""
    forger = ECKey.generate_key("P-256")
    claims = read_unverified(own(harness)).claims
    return sign(forger, claims, HEADER | {"kid": harness.keys.signer.kid, "jwk": forger.as_dict(private=False)})


@pytest.mark.parametrize(
    "make",
    [
        _unsigned,
        _forged,
        _own_key_in_the_header,
        lambda g: own(g, exp=g.clock() // 1000 - 60),
        lambda g: own(g, exp=None),
        lambda g: own(g, aud="https://elsewhere.example"),
        lambda g: own(g, aud=None),
        lambda g: own(g, sub=None),
        lambda g: own(g, sub=7),
        lambda g: own(g, nbf=g.clock() // 1000 + 120),
        lambda g: own(g, header={"typ": "JWT"}),
        lambda g: own(g, header={"kid": "unknown"}),
        lambda g: sign(g.keys.signer, read_unverified(own(g)).claims, HEADER),
        lambda g: own(g, iss="https://elsewhere.example"),
        lambda g: g.assertion(),
        lambda g: own(g)[:-4] + "AAAA",
        lambda g: own(g) + "=",
        lambda _: "",
        lambda _: "é",
        lambda _: "\ud800",
        lambda _: "a.b.c",
        lambda _: "a.b.c.d.e",
        lambda g: own(g, padding="x" * 8192),
    ],
)
async def test_an_invalid_token_is_refused(harness: OAuthHarness, make: Callable[[OAuthHarness], str]) -> None:
    """SEC-001: expired, forged, unsigned, for another audience, of another kind, or no token at all."""
    token = make(harness)
    for _ in range(2):
        with pytest.raises(TokenError) as raised:
            await harness.verifier.verify(token)
        assert not token or token not in str(raised.value)


async def test_a_client_assertion_is_no_access_token_even_when_our_own_key_signs_it(harness: OAuthHarness) -> None:
    assertion = harness.assertion(key=harness.keys.signer, iss=ISSUER, aud=ISSUER)
    with pytest.raises(TokenError, match="not an access token"):
        await harness.verifier.verify(assertion)


async def test_a_remembered_token_ends_with_its_time(harness: OAuthHarness) -> None:
    """Remembered tokens end exactly; fresh ones are given the minute by which clocks may differ."""
    token = own(harness)
    assert "bretagne" == (await harness.verifier.verify(token)).platform
    harness.clock.move(3599)
    assert "bretagne" == (await harness.verifier.verify(token)).platform
    harness.clock.move(1 + 60)
    with pytest.raises(TokenError):
        await harness.verifier.verify(token)


async def test_revoking_a_partner_does_not_wait_for_its_tokens_to_end(harness: OAuthHarness) -> None:
    """The verifier proves identity; the record, which the API reads on each request, is revoked at once."""
    claims = await harness.verifier.verify(own(harness))
    await harness.partners.save(revoke(BRETAGNE))
    partner = harness.partners.get(claims.platform)
    assert partner is not None
    assert partner.revoked


async def test_a_proved_token_is_remembered_and_memory_stays_bounded(harness: OAuthHarness) -> None:
    token = own(harness)
    first = await harness.verifier.verify(token)
    assert first is await harness.verifier.verify(token)
    for number in range(CACHE_TOKENS):
        harness.verifier._remember(number.to_bytes(32), harness.clock() + 1, first)
    assert CACHE_TOKENS == len(harness.verifier._proved)
    assert first is not await harness.verifier.verify(token)


async def test_unknown_scopes_of_a_token_give_nothing(harness: OAuthHarness) -> None:
    assert {"operate"} == (await harness.verifier.verify(own(harness, scope="operate dance"))).scopes
    assert frozenset() == (await harness.verifier.verify(own(harness, scope=["operate"]))).scopes
    assert frozenset() == (await harness.verifier.verify(own(harness, scope=None))).scopes


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
_HEADERS = st.fixed_dictionaries(
    {"alg": st.just("ES256") | _VALUES},
    optional=dict.fromkeys(("kid", "typ", "crit", "b64", "jwk", "x5c", "x"), _VALUES),
)


@settings(deadline=None)
@given(
    header=_HEADERS | _VALUES,
    claims=st.dictionaries(st.sampled_from(("iss", "aud", "exp", "sub", "nbf")), _VALUES) | _VALUES,
    signature_part=st.binary(max_size=64).map(lambda raw: urlsafe_b64encode(raw).decode()) | st.text(max_size=9),
)
def test_arbitrary_input_is_refused_without_an_unexpected_error(header: Any, claims: Any, signature_part: str) -> None:
    """No token makes the reader fail in another way than TokenError."""
    head, body = (urlsafe_b64encode(json.dumps(part).encode()).decode() for part in (header, claims))
    token = f"{head}.{body}.{signature_part}"
    with pytest.raises(TokenError):
        verify_signature(token, read_unverified(token), keys=[PARTNER_KEY], algorithms=["ES256"])


@settings(deadline=None)
@given(claims=st.dictionaries(st.sampled_from(("iss", "aud", "exp", "sub", "nbf", "iat", "jti")), _VALUES))
def test_arbitrary_signed_claims_are_judged_without_an_unexpected_error(claims: dict[str, Any]) -> None:
    """Claims of any shape under a valid signature are refused as TokenError, too."""
    with pytest.raises(TokenError):
        check_claims(claims, issuer=ISSUER, audience=ISSUER, now=0)
