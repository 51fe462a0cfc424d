"""Work ends early when its client has disconnected or the process stops."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from gateway.api.answer import send_pieces
from gateway.api.context import CONTEXT, Limits
from gateway.api.idempotency import PendingAnswer, send
from gateway.api.work import WORK_REGISTRY, WorkRegistry
from gateway.runtime.processor import Processor
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer, opened

pytestmark = pytest.mark.slow

PATIENCE = 10
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bretagne\r\n"
    "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Caller:
    """A client of raw sockets: it sends given bytes, and reads until the server closes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def on(cls, port: int, sent: bytes) -> "Caller":
        caller = cls(*await asyncio.open_connection("127.0.0.1", port))
        caller.writer.write(sent)
        await caller.writer.drain()
        return caller

    async def answer(self) -> tuple[int, Any]:
        """Status and body."""
        async with asyncio.timeout(PATIENCE):
            head, _, body = (await self.reader.read()).partition(b"\r\n\r\n")
        self.writer.close()
        return int(head[9:12]), orjson.loads(body)


async def in_progress(gateway: GatewayHarness) -> None:
    """Wait until a request has reached its handler and may be ended."""
    async with asyncio.timeout(PATIENCE):
        while not gateway.office.watched:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/v1/offers/batch", "/v1/snapshots?mark={mark}"])
async def test_a_trickling_upload_is_answered_when_the_gateway_stops(tmp_path: Path, path: str) -> None:
    """ERR-008: at once, not after the time limit of a read, and nothing of it is queued."""
    async with opened(tmp_path) as gateway:
        path = path.format(mark=await gateway.mark())
        caller = await Caller.on(gateway.port, HEAD.format(path=path).encode() + chunk(ndjson(offer(1)))[:-10])
        await in_progress(gateway)
        log = gateway.log
    status, problem = await caller.answer()
    assert (503, "gateway-stopping") == (status, problem["code"])
    assert [0, 0, 0] == list(await log.ends("submissions"))


async def test_a_decision_that_is_waited_for_is_pending_when_the_gateway_stops(tmp_path: Path) -> None:
    """PUB-005: it is queued, and 202 says so."""
    body = orjson.dumps(offer(1))
    head = (
        "PUT /v1/offers/bretagne:1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bretagne\r\nPrefer: wait=30\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    async with opened(tmp_path, working=False) as gateway:
        caller = await Caller.on(gateway.port, head.encode() + body)
        await in_progress(gateway)
    status, receipt = await caller.answer()
    assert (202, "pending") == (status, receipt["verdict"])


async def test_a_long_poll_ends_with_an_empty_page_when_the_gateway_stops(tmp_path: Path) -> None:
    """FEED-002: its cursor is good elsewhere."""
    head = "GET /v1/changes?wait=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bretagne\r\n\r\n"
    async with opened(tmp_path) as gateway:
        caller = await Caller.on(gateway.port, head.encode())
        await in_progress(gateway)
    status, page = await caller.answer()
    assert (200, []) == (status, page["changes"])


async def test_work_ends_when_its_client_has_left(gateway: GatewayHarness) -> None:
    """PUB-015: an upload that would be judged for half a minute, whose client hangs up after its last byte."""
    refused = ndjson(*({"id": f"bretagne:{number}", "title": "x" * 30} for number in range(60_000)))
    with capture_logs() as lines:
        caller = await Caller.on(gateway.port, HEAD.format(path="/v1/offers/batch").encode() + chunk(refused[:100_000]))
        await in_progress(gateway)
        sending = asyncio.create_task(_send(caller, refused[100_000:]))
        caller.writer.transport.abort()
        await sending
        async with asyncio.timeout(PATIENCE):
            while not _ended(lines):
                await asyncio.sleep(0.01)
    assert [499] == _ended(lines)
    assert [] == await gateway.submitted()


async def _send(caller: Caller, body: bytes) -> None:
    caller.writer.write(chunk(body) + b"0\r\n\r\n")


def _ended(lines: Sequence[MutableMapping[str, Any]]) -> list[int]:
    return [line["status"] for line in lines if line["event"] == "api.request"]


@asynccontextmanager
async def answering(gateway: GatewayHarness, handler: Any) -> AsyncIterator[tuple[web.Application, int]]:
    app = web.Application()
    app[CONTEXT] = gateway.context
    app[WORK_REGISTRY] = WorkRegistry(Processor())
    app.router.add_get("/", handler)
    async with TestServer(app) as server:
        assert server.port is not None
        yield app, server.port


async def test_an_endless_answer_is_cut_when_the_gateway_stops(gateway: GatewayHarness) -> None:
    """ERR-012: its reader sees that it is incomplete."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000
            await asyncio.sleep(0.01)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await send_pieces(request, web.StreamResponse(), endless())  # type: ignore[arg-type]  # a generator is one too
        except ConnectionResetError as error:
            ended.set_result(str(error))
            raise

    async with answering(gateway, handle) as (app, port):
        caller = await Caller.on(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await caller.reader.readexactly(2_000)
        app[WORK_REGISTRY].stop()
        assert "the client has left, or the process stops" == await asyncio.wait_for(ended, PATIENCE)
        caller.writer.close()


async def test_an_answer_is_written_beside_the_event_loop(gateway: GatewayHarness) -> None:
    """PUB-010: its pieces may come from the disk."""
    threads = set[int]()

    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            threads.add(threading.get_ident())
            yield b"x" * 10_000

    async def handle(request: web.Request) -> web.StreamResponse:
        return await send(request, PendingAnswer(200, {}, pieces()))

    async with answering(gateway, handle) as (_, port):
        caller = await Caller.on(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        whole = await caller.reader.read()
        caller.writer.close()
    assert 100 * 10_000 == whole.count(b"x" * 10) * 10
    assert threads
    assert threading.get_ident() not in threads


async def test_a_client_that_waits_is_not_taken_for_disconnected(gateway: GatewayHarness) -> None:
    """PUB-001: a connection that is open and silent has not left."""
    with socket.create_connection(("127.0.0.1", gateway.port)) as idle:
        answer = await gateway.put(offer(1))
        assert 201 == answer.status
        idle.close()


async def test_a_partner_beyond_its_share_is_refused_by_code_while_others_ask(gateway: GatewayHarness) -> None:
    """ERR-006: with the seconds to wait; others are not."""
    processor = gateway.office.processor
    processor.charge(processor.share("bretagne"), 1_000.0)
    processor.begin("another request", processor.share("normandie"))
    refused = await gateway.put(offer(1))
    assert (429, "processor-share-used", "60") == (refused.status, refused.code, refused.headers["Retry-After"])
    other = await gateway.put(offer(2, platform="normandie"), who="normandie")
    assert 201 == other.status
    assert [] == [one for one in await gateway.submitted() if one["id"].startswith("bretagne")]


async def test_an_upload_that_costs_too_much_is_refused(tmp_path: Path) -> None:
    """ERR-005: and queues nothing."""
    async with opened(tmp_path, limits=Limits(upload_processor_seconds=0.0)) as gateway:
        answer = await gateway.batch(ndjson(*(offer(number) for number in range(2_000))))
        assert (413, "upload-too-costly") == (answer.status, answer.code)
        assert [] == await gateway.submitted()


async def test_184_bytes_do_not_cost_a_hundred_megabytes(gateway: GatewayHarness) -> None:
    """ERR-005: refused before an item is judged, compressed and not."""
    empty = b"{}\n" * 50_000
    packed = await gateway.batch(empty, query="?partial=true", zipped=True)
    assert (413, "inflates-too-much") == (packed.status, packed.code)
    plain = await gateway.batch(empty, query="?partial=true")
    assert (413, "items-too-small") == (plain.status, plain.code)
