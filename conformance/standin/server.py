"""The stand-in's HTTP server: a request that aiohttp itself refuses is answered as a problem document too (ERR-011)."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http_exceptions import LineTooLong

from conformance.standin.exchange import HostAnswer, problem
from conformance.target.setup import SetupError
from conformance.words import say
from schemas.rulebook import Language, preferred_language

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_SHUTDOWN_SECONDS = 1.0
"""Grace period for open answers at shutdown."""
_HEAD_BYTES = 16_384
_TOO_MANY = "received"
"""The end of aiohttp's message for too many header fields."""
_VERSION = re.compile(rb"[!-~]+ [!-~]+ HTTP/(?:1\.[2-9]|[2-9]\.[0-9])\r?\Z")
_ACCEPTED = re.compile(rb"^accept-language:[ \t]*([ -~]*)", re.IGNORECASE | re.MULTILINE)
_BY_STATUS: Mapping[int, str] = {404: "not-found", 405: "method-not-allowed", 417: "expectation-failed"}


def problem_of_http(error: web.HTTPException) -> HostAnswer:
    """The problem of a refusal by aiohttp itself: unknown route, method, expectation."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return problem(error.status, _BY_STATUS.get(error.status, "bad-request"), headers=headers)


def foreign_version(request: web.BaseRequest) -> str | None:
    """The code of the problem of a request of another HTTP version than 1.0 and 1.1; None for these."""
    if request.version in (HttpVersion10, HttpVersion11):
        return None
    return "http-version" if request.version > HttpVersion10 else "http-malformed"


def respond(answer: HostAnswer, language: Language, headers: Mapping[str, str]) -> web.Response:
    """An answer as a response."""
    return web.Response(
        status=answer.status,
        headers={**answer.all_headers(language), **headers},
        body=answer.content(language),
    )


class _Connection(web.RequestHandler):
    """One connection. ``_begun`` are the first bytes of a request whose head is not whole yet, ``_head`` those of the
    last one that was parsed, or could not be.
    """

    __slots__ = ("_begun", "_head")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._begun = self._head = b""

    def data_received(self, data: bytes) -> None:
        """Keep the beginning of each request, for the answer to one that cannot be parsed."""
        begun = (self._begun + data[:_HEAD_BYTES])[:_HEAD_BYTES]
        super().data_received(data)
        if self._messages or self._current_request is not None:
            self._head, self._begun = begun, b""
        else:
            self._begun = begun

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's text quotes the request
    ) -> web.StreamResponse:
        """The answer to a request that the parser refuses, and to a failure of the kit; closes the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError
        line, _, fields = self._head.partition(b"\n")
        accepted = _ACCEPTED.search(fields)
        code = self._code_of(exc, line) if status == HTTPStatus.BAD_REQUEST else "internal-error"
        language = preferred_language(accepted[1].decode()) if accepted else "fr"
        response = respond(problem(None, code), language, {"X-Request-Id": secrets.token_hex(12)})
        if line.startswith(b"HEAD "):
            response.body = b""
        response.force_close()
        return response

    def _code_of(self, error: BaseException | None, line: bytes) -> str:
        if isinstance(error, LineTooLong):
            return "target-too-long" if len(line) > self.max_line_size else "headers-too-large"
        if getattr(error, "message", "").endswith(_TOO_MANY):
            return "headers-too-large"
        return "http-version" if _VERSION.match(line) else "http-malformed"

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log nothing: a failure of the kit is in the journal."""


class _Server(web.Server):
    """A server with ``_Connection`` for each connection. Bodies stay compressed, as they were sent."""

    def __call__(self) -> _Connection:
        return _Connection(self, loop=asyncio.get_running_loop(), access_log=None, auto_decompress=False)


@asynccontextmanager
async def serving(handler: Handler, listen: str) -> AsyncIterator[str]:
    """Serve at ``address:port`` (0: any free port); yields the base URL. Raises SetupError."""
    address, _, port = listen.rpartition(":")
    runner = web.ServerRunner(_Server(handler), shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address, int(port)).start()
        except (OSError, ValueError) as error:
            raise SetupError(
                say("cannot-listen", listen=listen, error=error), step=say("cannot-listen-step")
            ) from error
        yield f"http://{address}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
