"""[T-11, T-35] What anybody can send costs the event loop no more than a few plain requests do, at every address."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing, suppress
from math import inf
from pathlib import Path
from statistics import median
from threading import Thread

import pytest
from aiohttp import web

from gateway.api.app import build_app
from gateway.api.context import Limits
from gateway.api.malformed_http import ProblemRunner
from gateway.api.security_txt import SecurityContact, security_route
from gateway.api.tokens import TOKEN_ISSUER
from gateway.bootstrap.pages import add_pages
from gateway.oauth.authority import Authority
from tests.clock import ManualClock
from tests.harness import ALL, KEYS, URL, built
from tests.memory_log import MemoryLog
from tests.pages.site import with_mails
from tests.threats.hostile import UNKNOWN, hostile, names, plain, public_routes

pytestmark = pytest.mark.slow

Hostile = tuple[str, str, str]
"""Method, address and name of a hostile request."""

MAX_TIMES = 8
"""Times the cost of a plain request. 800 kB of headers cost three times as much before any code of the gateway runs."""
TRIES = 4
ROUNDS = 3
"""In which a request that costs too much is measured again."""
ENOUGH = 160 * 1024 * 1024
"""Bytes of a body: 16 MiB of a form that is too large are read, so that its browser displays the answer."""


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[web.Application, int]]:
    """A gateway with all its public routes on this event loop, those of mails too: its application and its port."""
    clock = ManualClock()
    async with built(folder, log=MemoryLog(clock=clock), clock=clock) as harness:
        harness.start(*ALL)
        await harness.ready()
        app = build_app(harness.context(Limits(requests_per_minute=10**9)))
        app[TOKEN_ISSUER] = Authority(harness.federation.partners, KEYS, issuer=URL, clock=clock)
        contact = SecurityContact(contact="security@gateway.example", policy=None, url=URL)
        app.add_routes([security_route(contact, clock)])
        add_pages(app, with_mails(harness.settings), harness.federation, URL)
        runner = ProblemRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield app, runner.addresses[0][1]
        finally:
            await runner.cleanup()


def ask(port: int, request: bytes) -> bytes:
    """The status line of the answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        sending = Thread(target=send, args=(connection, request))
        sending.start()
        answer = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in answer and (piece := connection.recv(65_536)):
                answer += piece
            connection.shutdown(socket.SHUT_RDWR)
        sending.join()
    return answer.partition(b"\r\n")[0]


def send(connection: socket.socket, request: bytes) -> None:
    with suppress(OSError):  # answered and closed before all of it was sent
        connection.sendall(request)


async def idle() -> float:
    """Processor time of this event loop a second without a request: views, relay and followers look for news."""
    before, begun = time.thread_time(), time.perf_counter()
    await asyncio.sleep(1)
    return (time.thread_time() - before) / (time.perf_counter() - begun)


async def cost(port: int, request: bytes, *, rest: float = 0.0, allowed: float = 0.0) -> float:
    """The least processor time of this event loop's thread for one such request, net of what it spends at rest (per
    second) while the sandbox works; tried again while it is too much.
    """
    least = inf
    for _ in range(TRIES):
        before, begun = time.thread_time(), time.perf_counter()
        status = await asyncio.to_thread(ask, port, request)
        least = min(least, time.thread_time() - before - rest * (time.perf_counter() - begun))
        assert status.startswith(b"HTTP/1.1 "), "every request is answered"
        if least <= allowed:
            break
    return least


async def times(port: int, routes: list[tuple[str, str]], requests: Collection[Hostile]) -> dict[Hostile, float]:
    """What each request costs, in plain requests that are sent just before: the machine's own speed changes within
    seconds.
    """
    usual = median([await cost(port, plain(method, path)) for method, path in routes])
    rest = await idle()
    return {
        (method, path, name): round(
            await cost(port, hostile(method, path, name, origin=URL), rest=rest, allowed=MAX_TIMES * usual) / usual, 1
        )
        for method, path, name in requests
    }


@pytest.mark.alone
async def test_no_anonymous_request_holds_the_event_loop(tmp_path: Path) -> None:
    async with served(tmp_path) as (app, port):
        routes = public_routes(app)
        costly: Collection[Hostile] = [(method, path, name) for method, path in routes for name in names(method)]
        for _ in range(ROUNDS):
            found = await times(port, routes, costly)
            costly = {request: number for request, number in found.items() if number > MAX_TIMES}
            if not costly:
                break
    assert not costly, costly


def flow(port: int, head: bytes) -> tuple[bytes, int]:
    """Send a body without an end: the status line of the answer, and how many bytes were taken."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as connection:
        connection.sendall(head)
        answers: list[bytes] = []
        reading = Thread(target=lambda: answers.append(connection.recv(65_536)))
        reading.start()
        sent = 0
        with suppress(OSError):
            while sent < 2 * ENOUGH:
                sent += connection.send(bytes(65_536))
        reading.join()
        return answers[0].partition(b"\r\n")[0], sent


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/verifier"), ("POST", "/oauth/token"), ("PUT", "/v1/offers/a:1"), UNKNOWN],
)
async def test_a_body_without_an_end_is_answered_and_then_no_longer_read(
    tmp_path: Path, method: str, path: str
) -> None:
    head = f"Content-Type: multipart/form-data; boundary=a\r\nContent-Length: {1 << 40}\r\n".encode()
    async with served(tmp_path) as (_, port):
        answer, taken = await asyncio.to_thread(flow, port, plain(method, path, headers=head))
    assert answer.startswith(b"HTTP/1.1 ")
    assert taken < ENOUGH
