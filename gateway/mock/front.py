"""The front: what partners connect to. It receives each request whole, and answers by itself or as the core does."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, TypeAlias

import aiohttp
import orjson
from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.api.malformed_http import ProblemRunner
from gateway.api.problem import ProblemError, problem_of_failure, problem_response
from gateway.api.trace import REQUEST_ID, mint_request_id
from schemas.rulebook import preferred_language

MARK: Mapping[str, str] = {"Passerelle-Mock": "1"}
"""A header of each answer."""
MAX_BYTES = 64 * 1024 * 1024
"""The largest content."""
READ_SECONDS = 30.0
READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_SHUTDOWN_SECONDS = 1.0
"""Grace period for open answers at shutdown."""
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_OWN = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "expect", "date", "server", "keep-alive"}
)
"""Headers of one connection, in lower case."""
_NOT_ADDED = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request with its whole content. ``target`` is path and query as sent; headers are case-insensitive."""

    method: str
    target: str
    headers: CIMultiDictProxy[str] | CIMultiDict[str]
    body: bytes = b""
    id: str = ""

    @property
    def url(self) -> URL:
        """The target, parsed."""
        return URL(self.target, encoded=True)

    def with_headers(self, *left_out: str, **added: str) -> "ReceivedRequest":
        """The request without some headers, and with others."""
        headers = CIMultiDict(self.headers)
        for name in (*left_out, *added):
            headers.popall(name, None)
        headers.update(added)
        return replace(self, headers=headers)


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """An answer. ``cut``: the connection is closed after half of the body; ``closed``: before any byte."""

    status: int
    headers: CIMultiDictProxy[str] | CIMultiDict[str]
    body: bytes = b""
    cut: bool = False
    closed: bool = False

    @property
    def document(self) -> Mapping[str, Any]:
        """The members of a JSON body; none of any other."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}


Answering: TypeAlias = Callable[[ReceivedRequest], Awaitable[SentAnswer]]
Seen: TypeAlias = Callable[[ReceivedRequest, SentAnswer, int], None]
"""Sees a request, its answer, and how many milliseconds it took."""
CLOSED = SentAnswer(200, CIMultiDict(), closed=True)


def refusal(received: ReceivedRequest, problem: str | ProblemError, **more: Any) -> SentAnswer:
    """A problem document in the language of a request; with a code, ``more`` as for ``ProblemError``."""
    error = ProblemError(problem, **more) if isinstance(problem, str) else problem
    response = problem_response(error, preferred_language(received.headers.get(hdrs.ACCEPT_LANGUAGE, "")))
    return SentAnswer(response.status, response.headers, bytes(response.body or b""))  # type: ignore[arg-type]


def retry_after(seconds: float) -> Mapping[str, str]:
    """The header for a wait of so many seconds: whole ones, at least one."""
    return {hdrs.RETRY_AFTER: str(max(1, ceil(seconds)))}


class Front:
    """Answers requests by ``answering``, and shows each with its answer to ``seen``. The contents of all requests that
    are being answered take ``held`` bytes, ``most_held`` at most.
    """

    most_held = 3 * MAX_BYTES

    def __init__(self, answering: Answering, *, seen: Seen) -> None:
        self._answering = answering
        self._seen = seen
        self.held = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        began, body, answered = time.monotonic(), bytearray(), SentAnswer(500, CIMultiDict())
        received = ReceivedRequest(request.method, request.rel_url.raw_path_qs, request.headers, id=mint_request_id())
        try:
            await self._read(request, body)
            received = replace(received, body=bytes(body))
            answered = await self._answering(received)
        except (ConnectionError, asyncio.CancelledError):  # the client has left before an answer
            answered = CLOSED
            raise
        except ProblemError as error:
            answered = refusal(received, error)
        except Exception as error:
            answered = refusal(received, problem_of_failure(error))
            raise
        finally:
            self.held -= len(body)
            self._seen(replace(received, body=bytes(body)), answered, round((time.monotonic() - began) * 1000))
        return await _send(request, received, answered)

    async def _read(self, request: web.Request, body: bytearray) -> None:
        """Add the content to ``body`` as it was sent; each piece comes within 30 seconds (ERR-007). Raises
        ProblemError.
        """
        try:
            while True:
                async with asyncio.timeout(READ_SECONDS):
                    piece = await request.content.readany()
                if not piece:
                    return
                if len(body) + len(piece) > MAX_BYTES:
                    raise ProblemError("body-too-large", expected=MAX_BYTES)
                if self.held + len(piece) > self.most_held:
                    raise ProblemError("uploads-busy", headers={hdrs.RETRY_AFTER: "2"})
                self.held += len(piece)
                body += piece
        except TimeoutError:
            raise ProblemError("upload-too-slow", expected=READ_SECONDS) from None
        except (web.RequestPayloadError, BadHttpMessage):
            raise ProblemError("body-truncated") from None


@asynccontextmanager
async def forwarding(url: str) -> AsyncIterator[Answering]:
    """The answers of the core at this URL, each under the request's own id."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_NOT_ADDED,
    )

    async def forward(received: ReceivedRequest) -> SentAnswer:
        headers = CIMultiDict((name, value) for name, value in received.headers.items() if name.lower() not in _OWN)
        headers[REQUEST_ID] = received.id
        address, body = URL(url + received.target, encoded=True), received.body or None
        async with session.request(
            received.method, address, headers=headers, data=body, allow_redirects=False
        ) as response:
            return SentAnswer(response.status, response.headers, await response.read())

    async with session:
        yield forward


async def fronted(stack: AsyncExitStack, front: Front, listening: socket.socket) -> None:
    """Serve a front on a socket until the stack is closed."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", front.handle)
    await serve_marked(stack, app, listening)


async def serve_marked(stack: AsyncExitStack, app: web.Application, listening: socket.socket) -> None:
    """Serve an application on a socket until the stack is closed; each of its answers has the mark of a mock."""
    app.on_response_prepare.append(_mark)
    runner = ProblemRunner(app, shutdown_timeout=_SHUTDOWN_SECONDS, marks=MARK)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listening).start()


async def _mark(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(MARK)


async def _send(request: web.Request, received: ReceivedRequest, answered: SentAnswer) -> web.StreamResponse:
    """The answer, with the request's id as the client gave it."""
    given = request.headers.get(REQUEST_ID, "")
    headers = CIMultiDict((name, value) for name, value in answered.headers.items() if name.lower() not in _OWN)
    headers[REQUEST_ID] = given if _ID.fullmatch(given) else received.id
    if request.method == hdrs.METH_HEAD and hdrs.CONTENT_LENGTH in answered.headers:
        headers[hdrs.CONTENT_LENGTH] = answered.headers[hdrs.CONTENT_LENGTH]
    if not (answered.closed or answered.cut):
        return web.Response(status=answered.status, headers=headers, body=answered.body)
    response = web.StreamResponse(
        status=answered.status, headers={**headers, hdrs.CONTENT_LENGTH: str(len(answered.body))}
    )
    if answered.cut:
        await response.prepare(request)
        await response.write(answered.body[: len(answered.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
