"""The example of a TLS proxy, in a real nginx on loopback with a certificate of the test's own."""

import asyncio
import re
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.broker import free_ports
from demo.client import Client
from demo.tether import tether, tethered
from gateway.api.context import PROXIES, client_of
from gateway.runtime.proxies import Proxies
from gateway.settings import Settings, proxy_networks
from tests.damage.populated import OPERATOR, PUBLISHER, offer, onboard
from tests.deploy.programs import DEPLOY, program
from tests.faults.process import GatewayProcess

pytestmark = pytest.mark.nginx
EXAMPLE = (DEPLOY / "nginx/passerelle.conf").read_text()
MAIN = """daemon off; pid {folder}/nginx.pid; error_log {folder}/main.log info; worker_processes 1; events {{}}
http {{ access_log off; {temporary} include {folder}/site.conf; }}
"""
NAME = "localhost"
"""The server's name, which the system knows."""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
SOON = 30


@dataclass
class Proxy:
    """A running nginx: its addresses, and a client's trust in its certificate."""

    url: str
    plain_url: str
    trust: ssl.SSLContext

    @asynccontextmanager
    async def session(self, source: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
        """A client at an address of loopback."""
        connector = aiohttp.TCPConnector(ssl=self.trust, local_addr=(source, 0), family=socket.AF_INET)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session


def certificate(folder: Path) -> None:
    """A certificate for the server's name, signed by itself."""
    how = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    where = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([program("openssl"), *how, *where, *names], check=True, capture_output=True)


def altered(text: str, **changes: str) -> str:
    """The example with other values for these directives; each is there."""
    for old, new in changes.items():
        text, count = re.subn(rf"(?m)^(\s*{old} )[^;]+;", rf"\g<1>{new};", text)
        assert count, old
    return text


def checks(command: list[str]) -> None:
    """nginx accepts the site."""
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert 0 == tried.returncode, tried.stderr


@asynccontextmanager
async def proxied(folder: Path, upstream: int) -> AsyncIterator[Proxy]:
    """nginx with the example, whose gateway listens on this port."""
    port, plain = free_ports(2)
    certificate(folder)
    loopback = re.sub(r"(?m)^ *listen \[::\]:.*\n", "", EXAMPLE)
    site = loopback.replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    site = re.sub(r"listen 80\b", f"listen 127.0.0.1:{plain}", site)
    site = altered(site.replace("/var/log/nginx/", f"{folder}/"), server_name=NAME)
    site = altered(site, ssl_certificate=f"{folder}/fullchain.pem", ssl_certificate_key=f"{folder}/privkey.pem")
    (folder / "site.conf").write_text(site.replace("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"))
    temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, temporary=temporary))
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    checks(command)
    process = await asyncio.create_subprocess_exec(*tethered(command), pass_fds=tether())
    try:
        proxy = Proxy(
            f"https://{NAME}:{port}",
            f"http://{NAME}:{plain}",
            ssl.create_default_context(cafile=folder / "fullchain.pem"),
        )
        await listens(port)
        yield proxy
    finally:
        process.terminate()
        await process.wait()


async def listens(port: int) -> None:
    async with asyncio.timeout(SOON):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


class Upstream:
    """In place of the gateway: says the address that the gateway would know, and how bodies and answers arrive."""

    def __init__(self) -> None:
        self.piece, self.go_on = asyncio.Event(), asyncio.Event()
        self.app = web.Application(client_max_size=1 << 30)
        self.app[PROXIES] = Proxies(proxy_networks("127.0.0.1"))
        self.app.add_routes(
            [web.get("/who", self.who), web.post("/upload", self.upload), web.get("/export", self.export)]
        )

    async def who(self, request: web.Request) -> web.Response:
        return web.json_response({"client": client_of(request), "host": request.headers["Host"]})

    async def upload(self, request: web.Request) -> web.Response:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
            self.piece.set()
        return web.json_response({"bytes": size})

    async def export(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first\n")
        await self.go_on.wait()
        await answer.write(b"last\n")
        return answer


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def proxy(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Proxy]:
    async with TestServer(upstream.app, host="127.0.0.1") as server, proxied(tmp_path, server.port or 0) as found:
        yield found


@pytest.mark.parametrize("claimed", [None, "203.0.113.9", "127.0.0.1", "203.0.113.9, 127.0.0.1", "nonsense"])
async def test_the_gateway_knows_the_callers_address_whatever_the_caller_claims(
    proxy: Proxy, claimed: str | None
) -> None:
    for source in ("127.0.0.2", "127.0.0.3"):
        headers = {} if claimed is None else {"X-Forwarded-For": claimed}
        async with proxy.session(source) as session, session.get(f"{proxy.url}/who", headers=headers) as answer:
            body = await answer.json()
            assert (source, proxy.url.removeprefix("https://")) == (body["client"], body["host"])


async def test_an_upload_reaches_the_gateway_while_it_is_being_sent(proxy: Proxy, upstream: Upstream) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"{}\n" * 20_000
        await upstream.piece.wait()  # a proxy that buffers never sends what would end this wait
        yield b"{}\n" * 700_000

    async with (
        asyncio.timeout(SOON),
        proxy.session() as session,
        session.post(f"{proxy.url}/upload", data=body()) as answer,
    ):
        assert (200, {"bytes": 2_160_000}) == (answer.status, await answer.json())


async def test_an_answer_reaches_its_reader_while_it_is_being_written(proxy: Proxy, upstream: Upstream) -> None:
    async with asyncio.timeout(SOON), proxy.session() as session, session.get(f"{proxy.url}/export") as answer:
        assert b"first\n" == await answer.content.readline()
        upstream.go_on.set()
        assert b"last\n" == await answer.content.read()


async def test_plain_http_leads_to_tls(proxy: Proxy) -> None:
    async with proxy.session() as session:
        async with session.get(f"{proxy.plain_url}/v1/offers?limit=1", allow_redirects=False) as answer:
            assert (308, f"https://{NAME}/v1/offers?limit=1") == (answer.status, answer.headers["Location"])
        async with session.get(f"{proxy.url}/who") as answer:
            assert "max-age=31536000" == answer.headers["Strict-Transport-Security"]


async def test_its_log_has_neither_the_link_of_a_person_nor_an_address(proxy: Proxy, tmp_path: Path) -> None:
    async with asyncio.timeout(SOON), proxy.session("127.0.0.9") as session:
        for url in (proxy.url, proxy.plain_url):
            async with session.get(f"{url}/who?link=canary", allow_redirects=False) as answer:
                assert answer.status in {200, 308}
        while 2 > len(lines := (tmp_path / "passerelle.log").read_text().splitlines()):
            await asyncio.sleep(0.02)
    assert all(" GET /who " in line for line in lines)
    assert not [line for line in lines if "canary" in line or "127.0.0.9" in line]


@pytest.mark.parametrize("claimed", ["evil.example", "127.0.0.1", "localhost.evil.example"])
async def test_a_request_of_another_name_is_closed_without_an_answer(proxy: Proxy, claimed: str) -> None:
    """And leads nowhere: neither on the plain port nor behind TLS, whatever the handshake says."""
    async with proxy.session() as session:
        for url in (proxy.plain_url, proxy.url):
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await session.get(f"{url}/who", headers={"Host": claimed}, allow_redirects=False)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{proxy.url}/who", ssl=trusting, server_hostname="evil.example")


async def test_no_log_has_a_link_or_an_address_while_the_gateway_is_away(tmp_path: Path) -> None:
    """The link is not used, since nothing answers: who reads the log could use it."""
    [nobody] = free_ports(1)
    async with proxied(tmp_path, nobody) as proxy, proxy.session("127.0.0.9") as session:
        for number in range(3):
            async with session.get(f"{proxy.url}/connexion?link=canary{number}") as answer:
                assert 502 == answer.status
            async with session.post(f"{proxy.url}/connexion?link=canary", data=b"x" * 100_000) as answer:
                assert 502 == answer.status
        async with session.get(f"{proxy.url}/connexion?link=canary", headers={"X-Long": "x" * 50_000}) as answer:
            assert 400 == answer.status
        with suppress(aiohttp.ClientError):  # no TLS at all
            await session.get(f"{proxy.url.replace('https', 'http')}/connexion?link=canary")
    logs = {path.name: path.read_text() for path in tmp_path.glob("*.log")}
    assert {"passerelle.log", "passerelle-error.log", "main.log"} == logs.keys()
    assert 6 == len(re.findall(r" /connexion 502 502 ", logs["passerelle.log"]))
    assert {} == {name: text for name, text in logs.items() if "canary" in text or "127.0.0.9" in text}


def test_the_proxy_waits_longer_than_the_gateway() -> None:
    [seconds] = re.findall(r"proxy_read_timeout (\d+)s;", EXAMPLE)
    assert int(seconds) > Settings().upload_processor_seconds + 120, "an upload is judged after it was sent"


async def test_a_gateway_behind_it_is_published_to_and_read(tmp_path: Path) -> None:
    secrets = await onboard(tmp_path / "data")
    gateway = GatewayProcess("gateway", tmp_path / "data", {"PASSERELLE_PROXIES": "127.0.0.1"})
    async with proxied(tmp_path, gateway.port) as proxy:
        gateway._settings["PASSERELLE_PUBLIC_URL"] = proxy.url
        await gateway.start()
        try:
            await gateway.ready()
            async with proxy.session() as session:
                async with session.get(f"{proxy.url}/.well-known/passerelle") as answer:
                    assert 200 == answer.status
                clients = {
                    slug: Client(session, proxy.url, client_id=slug, client_secret=secrets[slug])
                    for slug in (PUBLISHER, OPERATOR)
                }
                put = await clients[PUBLISHER].call(
                    "PUT", f"/v1/offers/{PUBLISHER}:d900", body=orjson.dumps(offer(900)), headers={"Prefer": "wait=20"}
                )
                assert put.status in {200, 201}, put.explain()
                assert 200 == (await clients[OPERATOR].call("GET", "/v1/platforms")).status
        finally:
            await gateway.stop()
