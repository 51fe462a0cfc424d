"""Keys fetched by HTTPS from a real server on loopback: every guard of that fetch."""

import asyncio
import ipaddress
import socket
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs

from gateway.oauth.jws import import_keys
from gateway.oauth.remote import MAX_BYTES, RemoteKeys, metadata_urls
from gateway.oauth.verifier import Verifier
from gateway.runtime.address import is_public
from tests.oauth.issuer import KEY, SECONDS, Issuer, foreign, refused, with_remote
from tests.oauth.oauth_harness import BRETAGNE, OAuthHarness


async def test_keys_are_fetched_once_and_an_unknown_kid_asks_again_at_most_once_a_minute(
    away: OAuthHarness, issuer: Issuer
) -> None:
    fresh = ECKey.generate_key("P-256", {"kid": "k2"})
    for number in range(5):
        await away.verifier.verify(foreign(away, issuer, jti=str(number)))
    assert 1 == issuer.requests.count("/jwks")
    issuer.jwks = {"keys": [fresh.as_dict(private=False)]}
    for number in range(5):
        await refused(away, foreign(away, issuer, key=fresh, header={"kid": "k2"}, jti=str(number)))
    assert 1 == issuer.requests.count("/jwks")
    away.clock.move(60)
    token = foreign(away, issuer, key=fresh, header={"kid": "k2"})
    assert "bretagne" == (await away.verifier.verify(token)).platform
    assert 2 == issuer.requests.count("/jwks")


async def test_keys_outlive_a_failing_server_for_a_day(away: OAuthHarness, issuer: Issuer) -> None:
    await away.verifier.verify(foreign(away, issuer))
    issuer.answers["/jwks"] = lambda: web.Response(status=503)
    away.clock.move(23 * 3_600)
    await away.verifier.verify(foreign(away, issuer))
    away.clock.move(3_600)
    assert "cannot be had" in await refused(away, foreign(away, issuer))


async def test_a_failing_server_is_asked_at_most_once_a_minute(away: OAuthHarness, issuer: Issuer) -> None:
    issuer.answers["/jwks"] = lambda: web.Response(status=503)
    for number in range(5):
        await refused(away, foreign(away, issuer, jti=str(number)))
    assert 1 == issuer.requests.count("/jwks")


BAD_ANSWERS: list[Callable[[Issuer], web.StreamResponse]] = [
    lambda issuer: web.Response(status=302, headers={"Location": issuer.url.replace("/realm", "/elsewhere")}),
    lambda _: web.Response(body=b"[" * 100_000),
    lambda issuer: web.json_response(issuer.jwks | {"more": "x" * MAX_BYTES}),
    lambda _: web.Response(body=b"\xff"),
    lambda _: web.Response(body=b"[]"),
    lambda _: web.json_response({"keys": []}),
    lambda _: web.json_response({"keys": "k1"}),
    lambda _: web.json_response({"keys": [None, 3, {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}, {"kty": "EC"}]}),
    lambda _: web.json_response({"keys": [{"kty": "EC", "crv": "P-256", "x": 1, "y": [], "kid": "k1"}]}),
    lambda _: web.json_response({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "k1"}]}),
]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
async def test_an_answer_that_is_no_key_set_is_refused(
    away: OAuthHarness, issuer: Issuer, answer: Callable[[Issuer], web.StreamResponse]
) -> None:
    """Redirects, endless and broken answers, and sets without a usable key."""
    issuer.answers["/jwks"] = lambda: answer(issuer)
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert "/elsewhere" not in issuer.requests


@pytest.mark.parametrize(
    "jwks_uri",
    [
        "http://localhost/jwks",
        "https://127.0.0.1/jwks",
        "https://[::1]/jwks",
        "https://2130706433/jwks",
        "https://127.1/jwks",
        "https://127。0。0。1/jwks",
        "https://127\uff0e0\uff0e0\uff0e1/jwks",
        "https:///jwks",
        "https://[bad",
        "file:///etc/passwd",
        None,
        7,
    ],
)
async def test_only_https_and_host_names_are_followed(away: OAuthHarness, issuer: Issuer, jwks_uri: object) -> None:
    issuer.metadata["jwks_uri"] = jwks_uri
    with capture_logs() as entries:
        assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert ["oauth.issuer_failed"] == [one["event"] for one in entries]
    assert any(word in entries[0]["reason"] for word in ("is not an https address", "Invalid IPv6 URL"))


def test_keys_too_short_or_of_no_use_are_left_aside() -> None:
    """RSA below 2,048 bits is not accepted, nor is a shared secret."""
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    short = {"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(numbers.n.to_bytes(128)).rstrip(b"=").decode()}
    long, curve = RSAKey.generate_key(2048).as_dict(private=False), KEY.as_dict(private=False)
    kept = import_keys({"keys": [short, long, OctKey.generate_key(256).as_dict(private=True), curve]})
    assert [long["n"], curve["x"]] == [key.as_dict()[name] for key, name in zip(kept, ("n", "x"), strict=True)]


async def test_a_server_that_does_not_answer_is_abandoned(away: OAuthHarness, certificate: Path) -> None:
    """A listener that accepts and stays silent."""
    with socket.create_server(("localhost", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}/realm"
        await away.change(BRETAGNE, issuer=url)
        with_remote(away, certificate, allow=lambda _: True, timeout=0.2)
        async with asyncio.timeout(SECONDS):
            assert "cannot be had" in await refused(away, foreign(away, Issuer(url=url)))


async def test_metadata_of_another_issuer_is_refused(away: OAuthHarness, issuer: Issuer) -> None:
    issuer.metadata["issuer"] = "https://localhost/other"
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert "/jwks" not in issuer.requests


async def test_an_address_of_this_network_is_never_fetched_by_default(
    away: OAuthHarness, issuer: Issuer, certificate: Path
) -> None:
    """The guard against being sent to inner servers: without the test's own setting, loopback is refused."""
    with_remote(away, certificate)
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert [] == issuer.requests


async def test_a_certificate_of_an_unknown_authority_is_refused(away: OAuthHarness, issuer: Issuer) -> None:
    remote = RemoteKeys(clock=away.clock, allow=lambda _: True)
    away.verifier = Verifier(away.tokens, away.partners, remote, clock=away.clock)
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert [] == issuer.requests


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("4000::1", False),
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
    ],
)
def test_only_public_addresses_are_public(address: str, public: bool) -> None:  # noqa: FBT001  # parametrized
    assert public == is_public(ipaddress.ip_address(address))


def test_metadata_is_at_the_addresses_of_the_standards() -> None:
    """RFC 8414, section 3, and OpenID Connect Discovery, section 4."""
    assert (
        "https://id.example/.well-known/oauth-authorization-server/a/b",
        "https://id.example/a/b/.well-known/openid-configuration",
    ) == metadata_urls("https://id.example/a/b")
    assert (
        "https://id.example:8443/.well-known/oauth-authorization-server",
        "https://id.example:8443/.well-known/openid-configuration",
    ) == metadata_urls("https://id.example:8443/")
