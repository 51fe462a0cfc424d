"""Tokens of external issuers: keys by HTTPS from a real server on loopback, and every guard around that fetch."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc.jwk import ECKey, OctKey, RSAKey
from structlog.testing import capture_logs

from gateway.oauth.jws import import_keys
from gateway.oauth.remote import MAX_BYTES, RemoteKeys, is_public, metadata_urls
from gateway.oauth.verifier import EXTERNAL_CACHE_MS, Verifier
from gateway.ports import Claims, TokenError
from tests.oauth.ground import BRETAGNE, ISSUER, Ground, sign

KEY = ECKey.generate_key("P-256", {"kid": "k1"})
SECONDS = 30.0
"""What a server on a slow machine may take."""


@dataclass
class Issuer:
    """An authorization server of somebody else; a test decides how it behaves."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    jwks: Any = None
    answers: dict[str, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    rfc8414: bool = True

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.answers:
            return self.answers[request.path]()
        if request.path == "/jwks":
            return web.json_response(self.jwks)
        if request.path == "/.well-known/oauth-authorization-server/realm" and self.rfc8414:
            return web.json_response(self.metadata)
        if request.path == "/realm/.well-known/openid-configuration" and not self.rfc8414:
            return web.json_response(self.metadata)
        raise web.HTTPNotFound


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for ``localhost`` and its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    began = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
async def issuer(certificate: Path) -> AsyncIterator[Issuer]:
    issuer = Issuer(jwks={"keys": [KEY.as_dict(private=False)]})
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = TestServer(app, host="localhost", scheme="https")
    await server.start_server(ssl=context)
    issuer.url = f"https://localhost:{server.port}/realm"
    issuer.metadata = {"issuer": issuer.url, "jwks_uri": f"https://localhost:{server.port}/jwks"}
    yield issuer
    await server.close()


@pytest.fixture
async def away(ground: Ground, issuer: Issuer, certificate: Path) -> Ground:
    """Bretagne has its tokens from that server; addresses of this machine are allowed, as an explicit test setting."""
    await ground.change(BRETAGNE, issuer=issuer.url)
    return with_remote(ground, certificate, allow=lambda address: address.is_loopback)


def with_remote(ground: Ground, certificate: Path, **settings: Any) -> Ground:
    tls = ssl.create_default_context(cafile=certificate)
    remote = RemoteKeys(clock=ground.clock, tls=tls, **{"timeout": SECONDS, **settings})
    ground.verifier = Verifier(ground.tokens, ground.partners, remote, clock=ground.clock)
    return ground


def foreign(
    ground: Ground, issuer: Issuer, *, key: Any = KEY, header: Mapping[str, Any] | None = None, **changes: Any
) -> str:
    """An access token of that server, as it should be but for what the test changes; None leaves a claim out."""
    now = ground.clock() // 1000
    claims = {
        "iss": issuer.url,
        "aud": ["https://other.example", ISSUER],
        "sub": "3f0c",
        "client_id": "bretagne",
        "scope": "offers:read profile",
        "exp": now + 7200,
        "jti": "1",
        **changes,
    }
    whole = {"typ": "at+jwt", "kid": "k1", **(header or {})}
    return sign(key, {name: value for name, value in claims.items() if value is not None}, whole)


async def refused(ground: Ground, token: str) -> str:
    with pytest.raises(TokenError) as raised:
        await ground.verifier.verify(token)
    return str(raised.value)


@pytest.mark.parametrize("rfc8414", [True, False])
async def test_a_token_of_the_partners_own_issuer_proves_the_partner(
    away: Ground,
    issuer: Issuer,
    rfc8414: bool,  # noqa: FBT001  # parametrized
) -> None:
    """Its keys are found by RFC 8414 metadata, or else by OpenID Connect Discovery."""
    issuer.rfc8414 = rfc8414
    expected = Claims("bretagne", frozenset({"offers:read"}), away.clock() + 7_200_000)
    assert expected == await away.verifier.verify(foreign(away, issuer))


@pytest.mark.parametrize(
    "naming",
    [{"client_id": "bretagne"}, {"client_id": None, "azp": "bretagne"}, {"client_id": None, "sub": "bretagne"}],
)
async def test_the_token_names_the_platform_by_its_slug(away: Ground, issuer: Issuer, naming: dict[str, Any]) -> None:
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
    away: Ground, issuer: Issuer, changes: dict[str, Any]
) -> None:
    assert "no platform takes" in await refused(away, foreign(away, issuer, **changes))
    assert [] == issuer.asked


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
    away: Ground, issuer: Issuer, header: dict[str, Any], key: Any
) -> None:
    await refused(away, foreign(away, issuer, key=key, header=header))
    assert [] == issuer.asked


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
async def test_a_foreign_token_that_is_not_as_it_must_be_proves_nothing(
    away: Ground, issuer: Issuer, changes: dict[str, Any], key: Any
) -> None:
    await refused(away, foreign(away, issuer, key=key, **changes))
    assert "/jwks" in issuer.asked


async def test_a_revoked_partner_cannot_come_by_its_own_issuer(away: Ground, issuer: Issuer) -> None:
    await away.change(BRETAGNE, issuer=issuer.url, revoked=True)
    await refused(away, foreign(away, issuer))
    assert [] == issuer.asked


async def test_keys_are_fetched_once_and_an_unknown_kid_asks_again_at_most_once_a_minute(
    away: Ground, issuer: Issuer
) -> None:
    fresh = ECKey.generate_key("P-256", {"kid": "k2"})
    for number in range(5):
        await away.verifier.verify(foreign(away, issuer, jti=str(number)))
    assert 1 == issuer.asked.count("/jwks")
    issuer.jwks = {"keys": [fresh.as_dict(private=False)]}
    for number in range(5):
        await refused(away, foreign(away, issuer, key=fresh, header={"kid": "k2"}, jti=str(number)))
    assert 1 == issuer.asked.count("/jwks")
    away.clock.move(60)
    token = foreign(away, issuer, key=fresh, header={"kid": "k2"})
    assert "bretagne" == (await away.verifier.verify(token)).platform
    assert 2 == issuer.asked.count("/jwks")


async def test_a_withdrawn_key_is_out_of_use_within_the_hour_and_remembered_tokens_within_minutes(
    away: Ground, issuer: Issuer
) -> None:
    token = foreign(away, issuer)
    await away.verifier.verify(token)
    issuer.jwks = {"keys": [ECKey.generate_key("P-256", {"kid": "k2"}).as_dict(private=False)]}
    away.clock.now += EXTERNAL_CACHE_MS - 1
    await away.verifier.verify(token)
    away.clock.move(3_600)
    await refused(away, token)


async def test_keys_outlive_a_failing_server_for_a_day(away: Ground, issuer: Issuer) -> None:
    await away.verifier.verify(foreign(away, issuer))
    issuer.answers["/jwks"] = lambda: web.Response(status=503)
    away.clock.move(23 * 3_600)
    await away.verifier.verify(foreign(away, issuer))
    away.clock.move(3_600)
    assert "cannot be had" in await refused(away, foreign(away, issuer))


async def test_a_failing_server_is_asked_at_most_once_a_minute(away: Ground, issuer: Issuer) -> None:
    issuer.answers["/jwks"] = lambda: web.Response(status=503)
    for number in range(5):
        await refused(away, foreign(away, issuer, jti=str(number)))
    assert 1 == issuer.asked.count("/jwks")


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
    away: Ground, issuer: Issuer, answer: Callable[[Issuer], web.StreamResponse]
) -> None:
    """Redirects, endless and broken answers, and sets without a usable key."""
    issuer.answers["/jwks"] = lambda: answer(issuer)
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize(
    "jwks_uri",
    [
        "http://localhost/jwks",
        "https://127.0.0.1/jwks",
        "https://[::1]/jwks",
        "https://2130706433/jwks",
        "https://127.1/jwks",
        "https:///jwks",
        "https://[bad",
        "file:///etc/passwd",
        None,
        7,
    ],
)
async def test_only_https_and_host_names_are_followed(away: Ground, issuer: Issuer, jwks_uri: object) -> None:
    issuer.metadata["jwks_uri"] = jwks_uri
    with capture_logs() as entries:
        assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert ["oauth.issuer_failed"] == [one["event"] for one in entries]
    assert any(word in entries[0]["reason"] for word in ("is not an https address", "Invalid IPv6 URL"))


def test_keys_too_short_or_of_no_use_are_left_aside() -> None:
    """RSA below 2,048 bits proves nothing, nor does a shared secret."""
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    short = {"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(numbers.n.to_bytes(128)).rstrip(b"=").decode()}
    long, curve = RSAKey.generate_key(2048).as_dict(private=False), KEY.as_dict(private=False)
    kept = import_keys({"keys": [short, long, OctKey.generate_key(256).as_dict(private=True), curve]})
    assert [long["n"], curve["x"]] == [key.as_dict()[name] for key, name in zip(kept, ("n", "x"), strict=True)]


async def test_a_server_that_does_not_answer_is_given_up(away: Ground, certificate: Path) -> None:
    """A listener that accepts and stays silent."""
    with socket.create_server(("localhost", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}/realm"
        await away.change(BRETAGNE, issuer=url)
        with_remote(away, certificate, allow=lambda _: True, timeout=0.2)
        async with asyncio.timeout(SECONDS):
            assert "cannot be had" in await refused(away, foreign(away, Issuer(url=url)))


async def test_metadata_of_another_issuer_is_refused(away: Ground, issuer: Issuer) -> None:
    issuer.metadata["issuer"] = "https://localhost/other"
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert "/jwks" not in issuer.asked


async def test_an_address_of_this_network_is_never_asked_by_default(
    away: Ground, issuer: Issuer, certificate: Path
) -> None:
    """The guard against being sent to inner servers: without the test's own setting, loopback is refused."""
    with_remote(away, certificate)
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert [] == issuer.asked


async def test_a_certificate_that_nobody_vouches_for_is_refused(away: Ground, issuer: Issuer) -> None:
    remote = RemoteKeys(clock=away.clock, allow=lambda _: True)
    away.verifier = Verifier(away.tokens, away.partners, remote, clock=away.clock)
    assert "cannot be had" in await refused(away, foreign(away, issuer))
    assert [] == issuer.asked


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
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
    ],
)
def test_only_public_addresses_are_public(address: str, public: bool) -> None:  # noqa: FBT001  # parametrized
    assert public == is_public(ipaddress.ip_address(address))


def test_metadata_lies_where_the_standards_put_it() -> None:
    """RFC 8414, section 3, and OpenID Connect Discovery, section 4."""
    assert (
        "https://id.example/.well-known/oauth-authorization-server/a/b",
        "https://id.example/a/b/.well-known/openid-configuration",
    ) == metadata_urls("https://id.example/a/b")
    assert (
        "https://id.example:8443/.well-known/oauth-authorization-server",
        "https://id.example:8443/.well-known/openid-configuration",
    ) == metadata_urls("https://id.example:8443/")
