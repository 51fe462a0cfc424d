"""The demo's client: tokens, retries and their end."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.client import Client, ClientError

pytestmark = pytest.mark.slow


class Scripted:
    """A gateway with scripted answers, which records its requests."""

    def __init__(self, *answers: Callable[[], web.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.tokens = 0

    async def token(self, _: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"access_token": f"token-{self.tokens}", "expires_in": 3600})

    async def call(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.headers['Authorization']} {(await request.read()).decode()}")
        return self.answers.pop(0)() if len(self.answers) > 1 else self.answers[0]()


def busy() -> web.Response:
    return web.json_response({"detail": "busy"}, status=429, headers={"Retry-After": "1"})


def unavailable() -> web.Response:
    return web.json_response({"detail": "later"}, status=503)


def unauthorized() -> web.Response:
    return web.json_response({}, status=401)


def done() -> web.Response:
    return web.json_response({"done": True})


def proxy_page() -> web.Response:
    return web.Response(text="<html>Bad gateway</html>", status=502)


Start = Callable[..., Awaitable[tuple[Client, Scripted]]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a scripted gateway and gives a client for it."""
    opened: list[tuple[TestServer, aiohttp.ClientSession]] = []

    async def open_one(*answers: Callable[[], web.Response]) -> tuple[Client, Scripted]:
        scripted = Scripted(*answers)
        app = web.Application()
        app.add_routes([web.post("/oauth/token", scripted.token), web.post("/x", scripted.call)])
        server = TestServer(app)
        await server.start_server()
        session = aiohttp.ClientSession()
        opened.append((server, session))
        client = Client(session, str(server.make_url("")), client_id="bretagne", client_secret="s", patience=5)
        return client, scripted

    yield open_one
    for server, session in opened:
        await session.close()
        await server.close()


async def test_the_client_waits_for_retry_after_and_sends_the_same_request_again(start: Start) -> None:
    """ERR-006: 429 and 503 are tried again, the body and all."""
    client, scripted = await start(busy, unavailable, done)
    answer = await client.call("POST", "/x", body=b"offers")
    assert (200, {"done": True}) == (answer.status, answer.body)
    assert ["Bearer token-1 offers"] * 3 == scripted.requests


async def test_a_stream_is_sent_from_its_start_at_each_try(start: Start) -> None:
    client, scripted = await start(unavailable, done)

    async def stream() -> AsyncIterator[bytes]:
        yield b"off"
        yield b"ers"

    await client.call("POST", "/x", body=stream)
    assert ["Bearer token-1 offers"] * 2 == scripted.requests


async def test_a_token_that_is_no_longer_taken_is_renewed_once(start: Start) -> None:
    client, scripted = await start(unauthorized, done)
    assert (await client.call("POST", "/x")).status == 200
    assert ["Bearer token-1 ", "Bearer token-2 "] == scripted.requests


async def test_a_refusal_is_returned_at_once(start: Start) -> None:
    client, scripted = await start(unauthorized)
    assert (await client.call("POST", "/x")).status == 401
    assert 2 == len(scripted.requests)


async def test_the_client_gives_up_in_time(start: Start) -> None:
    client, _ = await start(unavailable)
    client.patience = 0.5
    with pytest.raises(ClientError, match="later"):
        await client.call("POST", "/x")


async def test_an_answer_that_is_no_json_is_explained_by_its_status(start: Start) -> None:
    client, _ = await start(proxy_page)
    answer = await client.call("POST", "/x")
    assert (None, "HTTP 502") == (answer.body, answer.explain())
