"""Tokens of external issuers: the accepted and the refused ones."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.oauth.verifier import EXTERNAL_CACHE_MS
from tests.oauth.issuer import KEY, Issuer, foreign, refused
from tests.oauth.oauth_harness import BRETAGNE, OAuthHarness


@pytest.mark.parametrize("rfc8414", [True, False])
async def test_a_token_of_the_partners_own_issuer_proves_the_partner(
    away: OAuthHarness,
    issuer: Issuer,
    rfc8414: bool,  # noqa: FBT001  # parametrized
) -> None:
    """Its keys are found by RFC 8414 metadata, or else by OpenID Connect Discovery."""
    issuer.rfc8414 = rfc8414
    claims = await away.verifier.verify(foreign(away, issuer))
    assert ("bretagne", frozenset({"offers:read"}), away.clock() + 7_200_000) == (
        claims.platform,
        claims.scopes,
        claims.expires_at,
    )


@pytest.mark.parametrize(
    "naming",
    [{"client_id": "bretagne"}, {"client_id": None, "azp": "bretagne"}, {"client_id": None, "sub": "bretagne"}],
)
async def test_the_token_names_the_platform_by_its_slug(
    away: OAuthHarness, issuer: Issuer, naming: dict[str, Any]
) -> None:
    """[SEC-012]."""
    assert "bretagne" == (await away.verifier.verify(foreign(away, issuer, **naming))).platform


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "occitanie"},
        {"client_id": "another-client", "sub": "bretagne"},
        {"client_id": ["bretagne"]},
        {"client_id": None, "sub": None},
        {"iss": "https://localhost/elsewhere"},
        {"iss": None},
    ],
)
async def test_tokens_that_no_partner_is_bound_to_cause_no_request(
    away: OAuthHarness, issuer: Issuer, changes: dict[str, Any]
) -> None:
    assert "no platform takes" in await refused(away, foreign(away, issuer, **changes))
    assert [] == issuer.requests


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "HS256"}, OctKey.generate_key(256)),
        ({"alg": "RS512"}, RSAKey.generate_key(2048)),
        ({"typ": "JWT"}, KEY),
        ({"typ": ""}, KEY),
    ],
)
async def test_other_algorithms_and_other_kinds_of_token_cause_no_request(
    away: OAuthHarness, issuer: Issuer, header: dict[str, Any], key: Any
) -> None:
    await refused(away, foreign(away, issuer, key=key, header=header))
    assert [] == issuer.requests


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"aud": "https://other.example"}, KEY),
        ({"aud": None}, KEY),
        ({"exp": 1}, KEY),
        ({"exp": None}, KEY),
        ({"sub": None}, KEY),
        ({}, ECKey.generate_key("P-256", {"kid": "k1"})),
    ],
)
async def test_an_invalid_external_token_is_refused(
    away: OAuthHarness, issuer: Issuer, changes: dict[str, Any], key: Any
) -> None:
    await refused(away, foreign(away, issuer, key=key, **changes))
    assert "/jwks" in issuer.requests


async def test_a_revoked_partner_cannot_come_by_its_own_issuer(away: OAuthHarness, issuer: Issuer) -> None:
    await away.change(BRETAGNE, issuer=issuer.url, revoked=True)
    await refused(away, foreign(away, issuer))
    assert [] == issuer.requests


async def test_a_withdrawn_key_is_out_of_use_within_the_hour_and_remembered_tokens_within_minutes(
    away: OAuthHarness, issuer: Issuer
) -> None:
    token = foreign(away, issuer)
    await away.verifier.verify(token)
    issuer.jwks = {"keys": [ECKey.generate_key("P-256", {"kid": "k2"}).as_dict(private=False)]}
    away.clock.now += EXTERNAL_CACHE_MS - 1
    await away.verifier.verify(token)
    away.clock.move(3_600)
    await refused(away, token)
