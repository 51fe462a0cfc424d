"""HTTPS pull over real TLS: in a process of its own, with an authority configured as an operator would."""

import asyncio
import json
import os
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from tests.log.kafka.certificate import Authority
from tests.transport.server import serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FEED = "<offers><offer/></offers>"
_PULL = """
import asyncio, json, sys
from pathlib import Path
from adapters.transport.feed import FeedError
from tests.transport.server import content_of, pulled
url, folder = sys.argv[1:]
try:
    print(json.dumps({"feed": content_of(asyncio.run(pulled(url, Path(folder)))).decode()}))
except FeedError as error:
    print(json.dumps({"code": error.code, "fr": error.words("fr"), "en": error.words("en")}))
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def fetch(files: tuple[Path, Path], folder: Path, *, trusted: Path) -> dict[str, str]:
    """Result of a feed behind this certificate, where ``SSL_CERT_FILE`` names the trusted authority."""
    requested = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.path)
        return web.Response(text=FEED)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*files)
    async with serving(answer, tls=tls) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PULL, f"{url}/feed?key=s3cret", str(folder)),
            cwd=ROOT,
            env={**os.environ, "SSL_CERT_FILE": str(trusted)},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    found: dict[str, str] = json.loads(output)
    assert ("feed" in found) == bool(requested), "a server that is not trusted must not even be asked"
    return found


async def test_a_feed_behind_a_trusted_certificate_is_fetched(authority: Authority, tmp_path: Path) -> None:
    assert {"feed": FEED} == await fetch(authority.issue("server"), tmp_path, trusted=authority.file)


async def refused(files: tuple[Path, Path], folder: Path, *, trusted: Path) -> str:
    """The code, when the words in both languages name the host and nothing of the address's secrets."""
    found = await fetch(files, folder, trusted=trusted)
    assert found["fr"] != found["en"]
    for language in ("fr", "en"):
        assert "127.0.0.1" in found[language]
        assert "s3cret" not in found[language]
    return found["code"]


async def test_a_certificate_by_an_unknown_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    files = Authority(other).issue("server")
    assert "feed-certificate-untrusted" == await refused(files, tmp_path, trusted=authority.file)


async def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("server", until=datetime(2021, 1, 1, tzinfo=UTC))
    assert "feed-certificate-expired" == await refused(files, tmp_path, trusted=authority.file)


async def test_a_certificate_for_another_host_is_refused(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("server", address="192.0.2.7")
    assert "feed-certificate-misnamed" == await refused(files, tmp_path, trusted=authority.file)
