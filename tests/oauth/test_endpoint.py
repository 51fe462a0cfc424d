"""The token endpoint over real HTTP: secrets, scopes, forms, refusals (RFC 6749)."""

import logging
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from gateway.api.context import PROXIES
from gateway.oauth.authority import Authority
from gateway.oauth.failed_attempts import ATTEMPTS
from gateway.partners.credential import OVERLAP_MS, mint_secret, revoke, rotate
from gateway.runtime.proxies import Proxies
from gateway.settings import proxy_networks
from schemas.refusal import token_refusals
from tests.oauth.oauth_harness import BRETAGNE, ISSUER, MINTED, OAuthHarness, ask, basic, grant, posted, reason_of

Http = TestClient[Any, Any]


async def test_a_secret_in_the_header_or_in_the_form_gets_a_token(client: Http, harness: OAuthHarness) -> None:
    for form, headers in ((grant(), basic("bretagne", MINTED.text)), (posted(), {})):
        status, members = await ask(client, form, headers=headers)
        assert 200 == status
        assert ("Bearer", 3600, "offers:publish offers:read") == (
            members["token_type"],
            members["expires_in"],
            members["scope"],
        )
        claims = await harness.verifier.verify(members["access_token"])
        assert ("bretagne", ["offers:publish", "offers:read"]) == (claims.platform, sorted(claims.scopes))
        assert harness.clock() + 3_600_000 == claims.expires_at


async def test_answers_with_a_token_are_not_to_be_stored(client: Http) -> None:
    """RFC 6749, 5.1."""
    response = await client.post("/oauth/token", data=posted())
    assert ("no-store", "application/json") == (response.headers["Cache-Control"], response.content_type)


async def test_fewer_scopes_can_be_requested_and_others_are_refused(client: Http, harness: OAuthHarness) -> None:
    status, members = await ask(client, posted(scope="offers:read"))
    assert (200, "offers:read") == (status, members["scope"])
    assert {"offers:read"} == (await harness.verifier.verify(members["access_token"])).scopes
    for scope in ("operate", "offers:read operate", "offers:write", " "):
        assert (400, "invalid_scope") == _of(await ask(client, posted(scope=scope)))


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("bretagne", "passerelle_wrong"),
        ("bretagne", ""),
        ("bretagne", MINTED.text + "x"),
        ("bretagne", MINTED.kept.hash),
        ("nowhere", MINTED.text),
        ("", MINTED.text),
        ("occitanie", MINTED.text),
        ("\u00e9\x00\ud7ff", "\u00e9"),
    ],
)
async def test_wrong_secrets_and_unknown_clients_get_one_and_the_same_answer(
    client: Http, name: str, secret: str
) -> None:
    """SEC-001: a stranger learns nothing about existing partners."""
    unknown = await ask(client, posted("x", "stranger"))
    assert (401, "invalid_client") == _of(unknown)
    assert unknown == await ask(client, posted(secret, name))
    assert unknown == await ask(client, grant(), headers=basic(name, secret))


async def test_a_refusal_says_the_next_step_in_both_languages_and_challenges(client: Http) -> None:
    response = await client.post("/oauth/token", data=posted("wrong"))
    members = await response.json()
    assert {"error", "error_description", "message"} == set(members)
    assert {"fr", "en"} == set(members["message"])
    assert 'Basic realm="passerelle", charset="UTF-8"' == response.headers["WWW-Authenticate"]
    assert "no-store" == response.headers["Cache-Control"]


def test_every_description_is_ascii_as_the_standard_demands() -> None:
    """RFC 6749, 5.2: %x20-21 / %x23-5B / %x5D-7E."""
    for reason, entry in token_refusals().items():
        assert all(" " <= char <= "~" and char not in '"\\' for char in entry["en"]), reason
        assert entry["fr"]


async def test_a_revoked_partner_gets_no_token(client: Http, harness: OAuthHarness) -> None:
    await harness.partners.save(revoke(BRETAGNE))
    assert (401, "invalid_client") == _of(await ask(client, posted()))
    await harness.change(BRETAGNE, revoked=True)
    assert (401, "invalid_client") == _of(await ask(client, posted()))


async def test_both_secrets_work_during_a_rotation_and_the_older_ends_with_it(
    client: Http, harness: OAuthHarness
) -> None:
    fresh = mint_secret(now=harness.clock(), entropy=lambda count: b"r" * count)
    await harness.partners.save(rotate(BRETAGNE, fresh.kept, now=harness.clock()))
    assert [200, 200] == [(await ask(client, posted(secret)))[0] for secret in (MINTED.text, fresh.text)]
    harness.clock.now += OVERLAP_MS - 1
    assert [200, 200] == [(await ask(client, posted(secret)))[0] for secret in (MINTED.text, fresh.text)]
    harness.clock.now += 1
    assert [401, 200] == [(await ask(client, posted(secret)))[0] for secret in (MINTED.text, fresh.text)]


@pytest.mark.parametrize(
    ("form", "headers", "reason"),
    [
        ({}, {}, "grant-type-missing"),
        ({"grant_type": "password"}, {}, "grant-type"),
        ({"grant_type": 'caf\u00e9 "\\'}, {}, "grant-type"),
        ({"grant_type": ""}, {}, "grant-type"),
        (grant(), {}, "client"),
        (grant(client_id="bretagne"), {}, "client"),
        (posted(), basic("bretagne", MINTED.text), "methods-mixed"),
        (posted(client_assertion="x"), {}, "methods-mixed"),
        (grant(client_assertion="x"), {}, "assertion-type"),
        (grant(), {"Authorization": "Basic"}, "basic-unreadable"),
        (grant(), {"Authorization": "Basic YnJldGFnbmU6!!!eA=="}, "basic-unreadable"),
        (grant(), {"Authorization": "Basic /zo="}, "basic-unreadable"),
        (grant(), {"Authorization": "Basic YWJj"}, "basic-unreadable"),
        (grant(), {"Authorization": "Bearer YWI6Yw=="}, "basic-unreadable"),
    ],
)
async def test_malformed_requests_get_the_error_of_the_standard(
    client: Http, form: dict[str, str], headers: dict[str, str], reason: str
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    answer = await ask(client, form, headers=headers)
    assert reason == reason_of(answer)
    assert (token_refusals()[reason]["status"], token_refusals()[reason]["error"]) == _of(answer)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", "parameter-repeated"),
        (b"grant_type=client_credentials&client_id=%FF", "form-unreadable"),
        (b"grant_type=client_credentials&client_id=\xff", "form-unreadable"),
        (b"grant_type", "form-unreadable"),
        (b"grant_type=client_credentials&" + b"&".join(b"a%d=1" % number for number in range(20)), "form-unreadable"),
        (b"grant_type=client_credentials&" + b"&".join(b"a%d=1" % number for number in range(19)), "client"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(client: Http, body: bytes, reason: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post("/oauth/token", data=body, headers=headers)
    assert reason == reason_of((response.status, await response.json()))


async def test_only_a_form_is_taken(client: Http) -> None:
    response = await client.post("/oauth/token", json=posted())
    assert (415, "invalid_request") == (response.status, (await response.json())["error"])


async def test_a_body_over_16_kilobytes_is_refused_unread(client: Http) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post("/oauth/token", data=b"a=" + b"x" * 16_383, headers=headers)
    assert 413 == response.status
    assert "application/problem+json" == response.content_type


async def test_guessing_is_slowed_down_per_client(client: Http, harness: OAuthHarness) -> None:
    """[SEC-013] After 20 failures within a minute another failure waits; the right secret does not."""
    for _ in range(ATTEMPTS):
        assert 401 == (await ask(client, posted("guess")))[0]
    response = await client.post("/oauth/token", data=posted("guess"))
    assert (429, "60") == (response.status, response.headers["Retry-After"])
    assert "temporarily_unavailable" == (await response.json())["error"]
    assert 200 == (await ask(client, posted()))[0]
    assert 401 == (await ask(client, posted("guess", "normandie")))[0]
    harness.clock.move(60)
    assert 401 == (await ask(client, posted("guess")))[0]


async def test_guesses_are_counted_by_the_address_behind_a_named_proxy(harness: OAuthHarness) -> None:
    """T-37: guesses from elsewhere do not slow this address down, and a guesser cannot claim another address."""
    app = harness.app()
    app[PROXIES] = Proxies(proxy_networks("127.0.0.1"))
    async with TestClient(TestServer(app)) as client:
        for number in range(ATTEMPTS):
            forged = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.1"}
            assert 401 == (await ask(client, posted("guess"), headers=forged))[0]
        for address, status in (("198.51.100.1", 429), ("203.0.113.1", 401)):
            headers = {"X-Forwarded-For": address}
            assert status == (await ask(client, posted("guess"), headers=headers))[0]


async def test_only_failed_proofs_are_counted_as_guessing(client: Http) -> None:
    for _ in range(ATTEMPTS + 5):
        assert 200 == (await ask(client, posted()))[0]
        assert 400 == (await ask(client, posted(scope="operate")))[0]


async def test_neither_tokens_nor_secrets_reach_the_logs(client: Http, caplog: pytest.LogCaptureFixture) -> None:
    """SEC-003: not even at the level DEBUG, where Authlib would log issued tokens."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as entries:
        _, members = await ask(client, posted())
        await ask(client, posted("passerelle_wrong"))
        await ask(client, posted(MINTED.text, "stranger\n"))
    logged = caplog.text + repr(entries)
    assert ["oauth.token_issued", "oauth.token_refused", "oauth.token_refused"] == [one["event"] for one in entries]
    assert "DEBUG" in caplog.text
    for secret in (members["access_token"], MINTED.text, MINTED.kept.hash, "passerelle_wrong"):
        assert secret not in logged
    assert "stranger" not in repr(entries)


async def test_the_keys_that_prove_tokens_are_published_without_their_private_part(
    client: Http, harness: OAuthHarness
) -> None:
    response = await client.get("/oauth/jwks.json")
    assert (200, "application/jwk-set+json") == (response.status, response.content_type)
    (key,) = (await response.json(content_type=None))["keys"]
    assert {"kty", "crv", "x", "y", "kid", "use", "alg"} == set(key)
    assert (harness.keys.signer.kid, "sig", "ES256") == (key["kid"], key["use"], key["alg"])


async def test_the_metadata_says_where_and_how(client: Http) -> None:
    """RFC 8414."""
    response = await client.get("/.well-known/oauth-authorization-server")
    metadata = await response.json()
    assert ISSUER == metadata["issuer"]
    assert f"{ISSUER}/oauth/token" == metadata["token_endpoint"]
    assert f"{ISSUER}/oauth/jwks.json" == metadata["jwks_uri"]
    assert ["client_credentials"] == metadata["grant_types_supported"]
    assert ["client_secret_basic", "client_secret_post", "private_key_jwt"] == (
        metadata["token_endpoint_auth_methods_supported"]
    )
    assert ["ES256", "RS256"] == metadata["token_endpoint_auth_signing_alg_values_supported"]


async def test_a_slash_at_the_end_of_the_public_url_changes_nothing(harness: OAuthHarness) -> None:
    """Issuer, audience and addresses are the same with and without it."""
    slashed = Authority(harness.partners, harness.keys, issuer=f"{ISSUER}/", clock=harness.clock)
    plain = Authority(harness.partners, harness.keys, issuer=ISSUER, clock=harness.clock)
    assert plain.metadata() == slashed.metadata()
    form = urlencode(posted()).encode()
    status, _, members = await slashed.token(
        form, content_type="application/x-www-form-urlencoded", authorization=None, peer=""
    )
    assert 200 == status
    assert "bretagne" == (await harness.verifier.verify(members["access_token"])).platform


async def test_a_partner_without_scopes_gets_no_token(client: Http, harness: OAuthHarness) -> None:
    await harness.partners.save(replace(BRETAGNE, scopes=frozenset()))
    assert (400, "invalid_scope") == _of(await ask(client, posted()))


def _of(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1].get("error", "")
