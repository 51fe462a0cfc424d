"""[T-10] [ERR-008] Out of file descriptors: refusals are still problem documents, nothing floods, service resumes."""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest

from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import SCOPES, Partner
from gateway.settings import Settings
from tests.api.write.gateway_harness import ndjson, offer
from tests.faults.process import GatewayProcess
from tests.oauth.oauth_harness import posted
from tests.raw_http import RawConnection

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process and lists its files"),
]

CLIENTS = 40
LINES = 60
REQUESTS = {
    b"GET /v1/offers": 401,
    b"GET /nowhere": 404,
    b"PATCH /v1/offers": 405,
    b"PUT /v1/offers/bretagne:1": 401,
    b"POST /v1/offers/batch": 401,
    b"POST /v1/snapshots": 401,
    b"GET /v1/exports/offers.csv": 401,
}
JSON, LINES_OF_JSON = "application/json", "application/x-ndjson"
JUDGED = (
    (b"PUT /v1/offers/bretagne:1", JSON, orjson.dumps(offer(1)), {202}),
    (b"PUT /v1/offers/bretagne:1", JSON, orjson.dumps({**offer(1), "sector": "s", "weeks": [], "x": 1}), {422}),
    (b"PUT /v1/offers/bretagne:1", JSON, b"{", {422}),
    (b"PUT /v1/offers/bretagne:1", "text/plain", b"{}", {415}),
    (b"GET /v1/offers?sector=x&region=y&limit=0", JSON, b"", {400}),
    (b"POST /v1/offers/batch", LINES_OF_JSON, ndjson(offer(2)) * 16_000, {503}),
)
SECRET = mint_secret(now=clock.now(), entropy=os.urandom)


@pytest.fixture(params=[0, 2], ids=["alone", "workers"])
async def serving(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    settings = {"PASSERELLE_WORKERS": str(request.param)} if request.param else {}
    gateway = GatewayProcess("gateway", tmp_path / "data", settings)
    async with open_log(Settings(data=tmp_path / "data")) as log:
        partners = Partners(log)
        await partners.save(Partner(platform="bretagne", name="B", scopes=frozenset(SCOPES), secrets=(SECRET.kept,)))
        await partners.close()
    await gateway.start()
    try:
        await gateway.ready()
        yield gateway
    finally:
        await gateway.kill()


def _processes(gateway: GatewayProcess) -> list[int]:
    """The gateway's process and its workers."""
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text().split()
    return [gateway.pid, *map(int, children)]


def _open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def _lowest_free(process: int) -> int:
    """The lowest descriptor that is not open: with this limit none can be opened."""
    taken = {int(entry.name) for entry in Path(f"/proc/{process}/fd").iterdir()}
    return next(number for number in range(len(taken) + 1) if number not in taken)


async def _settled(gateway: GatewayProcess) -> list[int]:
    """The processes once they and their descriptors have been the same for half a second: at the start, a search for a
    shared library runs in a child, and its pipes would count as open.
    """
    before: dict[int, set[str]] = {}
    for _ in range(20):
        now = {one: {entry.name for entry in Path(f"/proc/{one}/fd").iterdir()} for one in _processes(gateway)}
        if now == before:
            break
        before = now
        await asyncio.sleep(0.5)
    return list(before)


async def test_refusals_stay_problem_documents_and_service_resumes(serving: GatewayProcess, tmp_path: Path) -> None:
    """A kept connection is answered in full; those beyond the limit wait or are closed, and later ones are served."""
    kept, token = await RawConnection.open(serving.port), await _token(serving)
    await kept.send(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
    assert 200 == _status(await kept.answer())
    limits = {process: resource.prlimit(process, resource.RLIMIT_NOFILE) for process in await _settled(serving)}
    for process, (_, most) in limits.items():
        resource.prlimit(process, resource.RLIMIT_NOFILE, (_open_files(process) + 2, most))
    connections = [await RawConnection.open(serving.port) for _ in range(CLIENTS)]
    try:
        for process, (_, most) in limits.items():
            resource.prlimit(process, resource.RLIMIT_NOFILE, (_lowest_free(process), most))
        for line, status in REQUESTS.items():
            await kept.send(line + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            answer = await kept.answer()
            assert answer is not None
            assert (line, status) == (line, answer.document["status"])
        for line, content_type, body, statuses in JUDGED:
            fields = f"Authorization: Bearer {token}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
            await kept.send(line + b" HTTP/1.1\r\nHost: x\r\n" + fields.encode() + b"\r\n\r\n" + body)
            answer = await kept.answer()
            assert answer is not None
            assert answer.status in statuses, (line, answer.document)
            assert answer.status == 202 or answer.document["status"] == answer.status
        await kept.send(b"GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n")
        refused = await kept.answer()
        assert refused is not None
        assert "http-malformed" == refused.document["code"]
    finally:
        for connection in (kept, *connections):
            await connection.close()
    refusals = 0
    async with asyncio.timeout(60):
        while 200 != await _fresh(serving.port):
            refusals += 1
            await asyncio.sleep(0.05)
    for process, limit in limits.items():
        resource.prlimit(process, resource.RLIMIT_NOFILE, limit)
    assert 0 == await serving.stop()
    lines = [orjson.loads(line) for line in (tmp_path / "gateway.log").read_text().splitlines()]
    assert len(lines) < LINES + 2 * refusals, "the log is flooded: a refused request has two lines, that and its cause"


async def _token(gateway: GatewayProcess) -> str:
    form = posted(SECRET.text)
    async with aiohttp.ClientSession() as session, session.post(f"{gateway.url}/oauth/token", data=form) as response:
        return str((await response.json())["access_token"])


def _status(answer: object) -> int:
    return int(getattr(answer, "status", 0))


async def _fresh(port: int) -> int:
    """The status of a request on a new connection; 0 where it gets none."""
    try:
        connection = await RawConnection.open(port)
        await connection.send(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            async with asyncio.timeout(2):
                return _status(await connection.answer())
        finally:
            await connection.close()
    except OSError:
        return 0
