"""The partner's client: tokens, retries and their end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.client import Client, ClientAnswer, ClientError
from schemas.rulebook import Language

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
        client = Client(
            session, str(server.make_url("")), client_id="bretagne", client_secret="s", language="en", patience=5
        )
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


async def test_the_client_gives_up_in_time_with_the_next_step(start: Start) -> None:
    client, _ = await start(unavailable)
    client.patience = 0.5
    with pytest.raises(ClientError, match="later") as caught:
        await client.call("POST", "/x")
    assert "resending is safe" in caught.value.step


async def test_an_answer_that_is_no_json_is_explained_by_its_status(start: Start) -> None:
    client, _ = await start(proxy_page)
    answer = await client.call("POST", "/x")
    assert (None, "HTTP 502") == (answer.body, answer.explain())


@pytest.mark.parametrize(("language", "output"), [("fr", "HTTP 503 : later"), ("en", "HTTP 503: later")])
def test_an_answer_is_explained_with_the_colon_of_the_language(language: Language, output: str) -> None:
    assert output == ClientAnswer(503, {"detail": "later"}, language=language).explain()


class HangingUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Silent(asyncio.Protocol):
    """Accepts requests and never answers."""


class Plain(asyncio.Protocol):
    """Does not know TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        transport.close()


@pytest.mark.parametrize(
    ("scheme", "other", "seconds", "french", "english"),
    [
        ("http", HangingUp, 20, "s’est interrompue", "interrupted"),
        ("http", Silent, 0.2, "pas de réponse à temps", "did not arrive in time"),
        ("https", Plain, 20, "TLS a échoué", "TLS connection failed"),
    ],
)
async def test_a_missing_answer_is_explained_in_the_users_language(
    scheme: str, other: type[HangingUp] | type[Plain] | type[Silent], seconds: float, french: str, english: str
) -> None:
    server = await asyncio.get_running_loop().create_server(other, "127.0.0.1", 0)
    url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session:
        texts: tuple[tuple[Language, str], ...] = (("fr", french), ("en", english))
        for language, output in texts:
            client = Client(session, url, client_id="c", client_secret="s", language=language, patience=0)
            with pytest.raises(ClientError, match=output):
                await client.token()
