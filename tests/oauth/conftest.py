"""Fixtures of the OAuth tests."""

import datetime as dt
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.partners import Partners
from gateway.protocol.topic import COMMON
from tests.clock import ManualClock
from tests.memory_log import MemoryLog
from tests.oauth.issuer import KEY, Issuer, with_remote
from tests.oauth.oauth_harness import BRETAGNE, OCCITANIE, OAuthHarness


@pytest.fixture
async def harness() -> AsyncIterator[OAuthHarness]:
    """Bretagne has a secret, Occitanie a key."""
    log = MemoryLog()
    await log.create_topics(COMMON)
    clock = ManualClock()
    partners = Partners(log, clock=clock)
    await partners.save(BRETAGNE)
    await partners.save(OCCITANIE)
    yield OAuthHarness(log, partners, clock)
    await partners.close()
    await log.close()


@pytest.fixture
async def client(harness: OAuthHarness) -> AsyncIterator[TestClient[Any, Any]]:
    """Real HTTP to the OAuth endpoints."""
    async with TestClient(TestServer(harness.app())) as client:
        yield client


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
async def away(harness: OAuthHarness, issuer: Issuer, certificate: Path) -> OAuthHarness:
    """Bretagne has its tokens from that server; addresses of this machine are allowed, as an explicit test setting."""
    await harness.change(BRETAGNE, issuer=issuer.url)
    return with_remote(harness, certificate, allow=lambda address: address.is_loopback)
