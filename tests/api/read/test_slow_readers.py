"""Clients that do not read their answer: the wait for them is bounded."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.api.answer import in_pieces, send_list, send_pieces
from gateway.api.context import CONTEXT, Limits
from gateway.api.idempotency import PendingAnswer, send
from gateway.api.work import WORK_REGISTRY, WorkRegistry
from gateway.runtime.processor import Processor
from tests.api.read.read_api import ReadApi

PATIENCE = 20
LINE = "x" * 1_000

Send = Callable[[web.Request], Any]
ENDLESS: dict[str, Send] = {
    "list": lambda request: send_list(request, "lines", repeat(LINE), {}, {}),
    "answer": lambda request: send(request, PendingAnswer(200, {}, repeat(LINE.encode()))),
    "export": lambda request: send_pieces(request, web.StreamResponse(), in_pieces(request, repeat(LINE.encode()))),
}
"""An endless answer, by each way of sending."""


@asynccontextmanager
async def answering(api: ReadApi, send_endless: Send, limits: Limits) -> AsyncIterator[tuple[int, asyncio.Future[str]]]:
    """A server with these limits: its port, and how the sending ended."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            sent: web.StreamResponse = await send_endless(request)
        except ConnectionResetError as error:
            ended.set_result(str(error))
            raise
        return sent

    app = web.Application()
    app[CONTEXT] = replace(api.context, limits=limits)
    app[WORK_REGISTRY] = WorkRegistry(Processor())
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        assert server.port is not None
        yield server.port, ended


@pytest.mark.parametrize("sending", ENDLESS)
async def test_a_client_that_does_not_read_is_disconnected(api: ReadApi, sending: str) -> None:
    """ERR-012."""
    async with answering(api, ENDLESS[sending], Limits(read_seconds=0.2)) as (port, ended):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert "the client does not read its answer" == await asyncio.wait_for(ended, PATIENCE)


@pytest.mark.parametrize("sending", ENDLESS)
async def test_a_client_that_reads_without_end_is_disconnected_in_the_end(api: ReadApi, sending: str) -> None:
    """ERR-012."""
    async with answering(api, ENDLESS[sending], Limits(upload_seconds=0.3)) as (port, ended):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            while not ended.done():
                with suppress(ConnectionResetError):
                    await reader.read(1 << 20)
        assert "the client does not read its answer" == ended.result()
        writer.close()
