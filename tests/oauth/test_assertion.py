"""``private_key_jwt`` over real HTTP: the requirements on client assertions (RFC 7523)."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from joserfc.jwk import ECKey, RSAKey

from gateway.ingest.idempotency import Requests
from gateway.oauth.client_assertion import first_use_on
from tests.oauth.oauth_harness import (
    BRETAGNE,
    ISSUER,
    OCCITANIE,
    PARTNER_KEY,
    OAuthHarness,
    ask,
    asserted,
    posted,
    reason_of,
    sign,
)

Http = TestClient[Any, Any]
RSA = RSAKey.generate_key(2048, {"kid": "two"})


async def test_an_assertion_gets_a_token(client: Http, harness: OAuthHarness) -> None:
    status, members = await ask(client, asserted(harness.assertion()))
    assert 200 == status
    assert "occitanie" == (await harness.verifier.verify(members["access_token"])).platform


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token", ["https://elsewhere.example", ISSUER]])
async def test_the_issuer_and_the_token_endpoint_are_its_audiences(
    client: Http, harness: OAuthHarness, audience: str | list[str]
) -> None:
    assert "issued" == reason_of(await ask(client, asserted(harness.assertion(aud=audience))))


async def test_rs256_is_taken_too_and_the_kid_chooses_the_key(client: Http, harness: OAuthHarness) -> None:
    keys = [PARTNER_KEY.as_dict(private=False), RSA.as_dict(private=False)]
    await harness.change(OCCITANIE, jwks={"keys": keys})
    by_rsa = harness.assertion(key=RSA, header={"alg": "RS256", "kid": "two"}, jti="a")
    without_kid = harness.assertion(key=RSA, header={"alg": "RS256"}, jti="b")
    wrong_kid = harness.assertion(key=RSA, header={"alg": "RS256", "kid": "one"}, jti="c")
    assert ["issued", "issued", "assertion-signature"] == [
        reason_of(await ask(client, asserted(one))) for one in (by_rsa, without_kid, wrong_kid)
    ]


def _unsigned(harness: OAuthHarness) -> str:
    head, claims, _ = harness.assertion().split(".")
    head = urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{claims}."


def _hmac_with_the_public_key(harness: OAuthHarness) -> str:
    """Algorithm confusion: the public key used as a shared secret."""
    _, claims, _ = harness.assertion().split(".")
    head = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"one"}').rstrip(b"=").decode()
    tag = hmac.digest(PARTNER_KEY.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    return f"{head}.{claims}.{urlsafe_b64encode(tag).rstrip(b'=').decode()}"


def _altered(harness: OAuthHarness) -> str:
    head, _, signature = harness.assertion().split(".")
    _, claims, _ = harness.assertion(exp=harness.clock() // 1000 + 599).split(".")
    return f"{head}.{claims}.{signature}"


def _demanding(harness: OAuthHarness) -> str:
    """An assertion that demands an extension."""
    claims = {"iss": "occitanie", "sub": "occitanie", "aud": ISSUER, "exp": harness.clock() // 1000 + 60, "jti": "x"}
    return sign(PARTNER_KEY, claims, {"b64": True, "crit": ["b64"]})


CASES: list[tuple[str, Callable[[OAuthHarness], str]]] = [
    ("assertion-algorithm", _unsigned),
    ("assertion-algorithm", _hmac_with_the_public_key),
    ("assertion-algorithm", lambda g: g.assertion(key=RSA, header={"alg": "PS256"})),
    ("assertion-signature", _altered),
    ("assertion-signature", lambda g: g.assertion(key=ECKey.generate_key("P-256"))),
    ("assertion-signature", lambda g: g.assertion(key=RSA, header={"alg": "RS256"})),
    ("assertion-signature", lambda g: g.assertion(header={"kid": "unknown"})),
    ("assertion-audience", lambda g: g.assertion(aud="https://elsewhere.example/oauth/token")),
    ("assertion-audience", lambda g: g.assertion(aud=[])),
    ("assertion-claims", lambda g: g.assertion(aud=None)),
    ("assertion-expired", lambda g: g.assertion(exp=g.clock() // 1000 - 60)),
    ("assertion-too-long", lambda g: g.assertion(exp=g.clock() // 1000 + 661)),
    ("assertion-too-long", lambda g: g.assertion(exp=2**62)),
    ("assertion-claims", lambda g: g.assertion(exp=None)),
    ("assertion-claims", lambda g: g.assertion(exp="soon")),
    ("assertion-claims", lambda g: g.assertion(nbf=g.clock() // 1000 + 61)),
    ("assertion-claims", lambda g: g.assertion(iat=g.clock() // 1000 + 61)),
    ("assertion-claims", lambda g: g.assertion(iss="bretagne")),
    ("assertion-claims", lambda g: g.assertion(iss=None)),
    ("assertion-claims", lambda g: g.assertion(jti=None)),
    ("assertion-claims", lambda g: g.assertion(jti="")),
    ("assertion-claims", lambda g: g.assertion(jti=7)),
    ("assertion-claims", lambda g: g.assertion(jti="x" * 256)),
    ("client", lambda g: g.assertion(sub="nobody", iss="nobody")),
    ("client", lambda g: g.assertion(sub=None)),
    ("client", lambda g: g.assertion(sub={"a": 1})),
    ("assertion-signature", lambda g: g.assertion(sub="bretagne", iss="bretagne")),
    ("client", lambda _: ""),
    ("assertion-unreadable", lambda _: "a.b"),
    ("assertion-unreadable", lambda _: "é.é.é"),
    ("assertion-unreadable", lambda _: "e30.W10.AAAA"),
    ("assertion-unreadable", lambda _: "e30." + urlsafe_b64encode(b"[" * 3000).decode() + ".AAAA"),
    ("assertion-unreadable", lambda g: g.assertion() + "." + "A" * 10),
    ("assertion-unreadable", lambda g: g.assertion(padding="x" * 8192)),
    ("assertion-unreadable", _demanding),
]


@pytest.mark.parametrize(("reason", "make"), CASES)
async def test_an_invalid_assertion_is_refused(
    client: Http, harness: OAuthHarness, reason: str, make: Callable[[OAuthHarness], str]
) -> None:
    status, members = await ask(client, asserted(make(harness)))
    assert (401, "invalid_client") == (status, members["error"])
    assert reason == reason_of((status, members))


async def test_clocks_may_differ_by_a_minute(client: Http, harness: OAuthHarness) -> None:
    now = harness.clock() // 1000
    late, early, long = (
        harness.assertion(jti="a", exp=now - 59),
        harness.assertion(jti="b", nbf=now + 60),
        harness.assertion(jti="c", exp=now + 660),
    )
    assert {"issued"} == {reason_of(await ask(client, asserted(one))) for one in (late, early, long)}


async def test_an_assertion_serves_once(client: Http, harness: OAuthHarness) -> None:
    """Its ``jti`` is refused as long as an assertion with it could be alive, and is another client's to use."""
    first = harness.assertion()
    assert ["issued", "assertion-replayed"] == [reason_of(await ask(client, asserted(first))) for _ in range(2)]
    again = harness.assertion(exp=harness.clock() // 1000 + 10)
    assert "assertion-replayed" == reason_of(await ask(client, asserted(again)))
    await harness.change(BRETAGNE, jwks=OCCITANIE.jwks)
    other = harness.assertion(iss="bretagne", sub="bretagne")
    assert "issued" == reason_of(await ask(client, asserted(other)))
    harness.clock.move(300 + 61)
    assert "assertion-expired" == reason_of(await ask(client, asserted(first)))
    assert "issued" == reason_of(await ask(client, asserted(harness.assertion())))


async def test_a_forged_assertion_does_not_use_up_the_id_of_a_true_one(client: Http, harness: OAuthHarness) -> None:
    forged = harness.assertion(key=ECKey.generate_key("P-256"))
    assert "assertion-signature" == reason_of(await ask(client, asserted(forged)))
    assert "issued" == reason_of(await ask(client, asserted(harness.assertion())))


async def test_an_assertion_serves_once_among_all_replicas(harness: OAuthHarness) -> None:
    """[SEC-011] Two processes, one log: the second refuses an assertion that the first accepted."""
    here, there = Requests(harness.log), Requests(harness.log)
    harness.first_use = first_use_on(here)
    async with TestClient(TestServer(harness.app())) as first:
        assert "issued" == reason_of(await ask(first, asserted(harness.assertion(jti="one"))))
    harness.first_use = first_use_on(there)
    async with TestClient(TestServer(harness.app())) as second:
        assert ["assertion-replayed", "issued"] == [
            reason_of(await ask(second, asserted(harness.assertion(jti=jti)))) for jti in ("one", "two")
        ]
        assert "issued" == reason_of(await ask(second, posted()))
    await here.close()
    await there.close()


async def test_a_partner_with_a_secret_cannot_use_assertions_nor_one_with_a_key_secrets(
    client: Http, harness: OAuthHarness
) -> None:
    assertion = harness.assertion(iss="bretagne", sub="bretagne")
    assert "assertion-signature" == reason_of(await ask(client, asserted(assertion)))


async def test_a_revoked_key_proves_nothing(client: Http, harness: OAuthHarness) -> None:
    await harness.change(OCCITANIE, revoked=True)
    assert "client" == reason_of(await ask(client, asserted(harness.assertion())))


async def test_another_assertion_type_is_refused(client: Http, harness: OAuthHarness) -> None:
    form = asserted(harness.assertion()) | {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2"
    }
    assert "assertion-type" == reason_of(await ask(client, form))
