"""HTTP server of both ports: a request that aiohttp itself refuses is answered as RFC 9457 and logged without content.

aiohttp answers a request that its parser refuses in plain text, with the offending line, and logs a traceback that
holds the header lines, credentials included. It offers no setting for this. ``ProblemRunner`` therefore runs an
application with connections of its own class. Public parts: ``web.AppRunner``, ``web.Server`` (``request_handler``,
``request_factory``), ``web.RequestHandler`` (``data_received``, ``handle_error``, ``log_exception``). Private parts,
held by ``tests/api/write/test_malformed_http.py``: ``AppRunner._make_server``, ``RequestHandler._messages`` and
``._current_request``, ``web_protocol._ErrInfo`` and ``.ERROR``.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from aiohttp import HttpVersion10, HttpVersion11, StreamReader, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import ERROR, _ErrInfo

import schemas
from gateway.api.problem import ProblemError, forbid_sniffing, problem_of_failure, problem_response
from gateway.api.trace import REQUEST_ID, mint_request_id
from schemas.rulebook import Language, preferred_language

_HEAD_BYTES = 16_384
_MAX_SEGMENTS = 32
"""Of a path: aiohttp looks for a route once for each, and no route has ten."""
_TOO_MANY = "Too many headers received"
_VERSION = re.compile(rb"[!-~]+ [!-~]+ HTTP/(?:1\.[2-9]|[2-9]\.[0-9])\r?\Z")
_ACCEPTED = re.compile(rb"^accept-language:[ \t]*([ -~]*)", re.IGNORECASE | re.MULTILINE)
_EXPECTED = frozenset({"", "100-continue"})
"""aiohttp quotes any other expectation in its refusal, and fails where that is not UTF-8."""
_VERSION_REFUSED: web.RequestKey[str] = web.RequestKey("version_refused", str)
"""The code of the problem, on a request of another version than 1.0 and 1.1; HTTP/0.9 has none, and is malformed."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Factory = Callable[
    [RawRequestMessage, StreamReader, web.RequestHandler, AbstractStreamWriter, "asyncio.Task[None]"], web.BaseRequest
]

log = structlog.get_logger()


class ProblemRunner(web.AppRunner):
    """Runs an application whose every refusal is a problem document, those of the HTTP parser included.

    Compressed bodies stay compressed: aiohttp's own inflater accepts a truncated stream. ``keepalive_timeout``
    and ``shutdown_timeout`` are in seconds; ``marks`` are headers of every refusal that the application does not see.
    """

    def __init__(
        self,
        app: web.Application,
        *,
        keepalive_timeout: float = 75.0,
        shutdown_timeout: float = 60.0,
        marks: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout)
        self._options: dict[str, Any] = {"keepalive_timeout": keepalive_timeout}
        self._marks = marks or {}

    async def _make_server(self) -> web.Server:
        schemas.preload_refusals()  # a refusal reads no file: there may be no descriptor left
        application = await super()._make_server()
        return _Server(application.request_handler, application.request_factory, self._options, self._marks)


class _Server(web.Server):
    """The application's server, with ``_Connection`` for each connection."""

    def __init__(self, handler: Handler, factory: Factory, options: dict[str, Any], marks: Mapping[str, str]) -> None:
        super().__init__(_refusing(handler, marks), request_factory=_speaking_http_1(factory))
        self._options = options
        self._marks = marks

    def __call__(self) -> "_Connection":
        return _Connection(
            self,
            marks=self._marks,
            loop=asyncio.get_running_loop(),
            access_log=None,
            auto_decompress=False,
            lingering_time=5.0,
            **self._options,
        )


class _Refused(NamedTuple):
    """The readable parts of a request that the parser refuses."""

    head: bool = False
    language: Language = "fr"
    long_target: bool = False
    foreign_version: bool = False

    @classmethod
    def read(cls, data: bytes, *, longest: int) -> "_Refused":
        """``data`` begins with the request, or with an earlier one of the same segment."""
        line, _, fields = data.partition(b"\n")
        accepted = _ACCEPTED.search(fields)
        return cls(
            head=line.startswith(b"HEAD "),
            language=preferred_language(accepted[1].decode()) if accepted else "fr",
            long_target=len(line) > longest,
            foreign_version=_VERSION.match(line) is not None,
        )


class _Connection(web.RequestHandler):
    """One connection. ``refused`` describes the request that the parser refused: the last one of a connection."""

    __slots__ = ("_begun", "_body_broken", "_marks", "refused")

    def __init__(self, *args: Any, marks: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._marks = marks
        self._begun = b""
        self._body_broken = False
        self.refused = _Refused()

    def data_received(self, data: bytes) -> None:
        """Parse. A malformed body fails the request that it belongs to: aiohttp leaves that one waiting, and answers
        the failure as if it were a further request.
        """
        last = self._messages[-1] if self._messages else None
        super().data_received(data)
        if self._messages and self._messages[-1] is not last and isinstance(self._messages[-1][0], _ErrInfo):
            body = self._messages[-2][1] if len(self._messages) > 1 else self._body_in_progress()
            if body is not None and not body.is_eof():
                self._body_broken = True
                body.set_exception(web.RequestPayloadError())
                body.feed_eof()
            else:
                self.refused = _Refused.read(self._begun + data[:_HEAD_BYTES], longest=self.max_line_size)
        if self._messages or self._current_request is not None:
            self._begun = b""
        else:
            self._begun = (self._begun + data[:_HEAD_BYTES])[:_HEAD_BYTES]

    def _body_in_progress(self) -> StreamReader | None:
        return None if self._current_request is None else self._current_request.content

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's text quotes the request
    ) -> web.StreamResponse:
        """The answer to a request that the parser refuses, and to a failure outside of every handler; closes the
        connection.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if self._body_broken:
            raise ConnectionError("the request of this body is answered")
        malformed = status == HTTPStatus.BAD_REQUEST
        refusal = ProblemError(self._code_of(exc) if malformed else "internal-error")
        response = _refuse(refusal, self.refused.language, self._marks, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("part of another answer is sent already")
        return response

    def _code_of(self, error: BaseException | None) -> str:
        if isinstance(error, LineTooLong):
            return "target-too-long" if self.refused.long_target else "headers-too-large"
        if getattr(error, "message", "") == _TOO_MANY:
            return "headers-too-large"
        return "http-version" if self.refused.foreign_version else "http-malformed"

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ARG002  # texts may quote the request
        """Log a failure outside of every handler, such as one while an answer is sent: its type only."""
        error = kw.get("exc_info")
        if not isinstance(error, web.RequestPayloadError):
            log.error("http.failed", error=type(error).__name__)


def _refusing(handler: Handler, marks: Mapping[str, str]) -> Handler:
    """Wrap the application's handler: its own refusals before its middlewares (Expect) are problem documents too."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if (refused := request.get(_VERSION_REFUSED)) is not None:
            return _refuse(ProblemError(refused), _language_of(request), marks)
        if request.headers.get(hdrs.EXPECT, "").lower() not in _EXPECTED and request.version == HttpVersion11:
            return _refuse(ProblemError("expectation-failed"), _language_of(request), marks)
        if request.raw_path.partition("?")[0].count("/") > _MAX_SEGMENTS:
            return _refuse(ProblemError("not-found"), _language_of(request), marks)
        try:
            return await handler(request)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # every one is answered
            refusal = problem_of_failure(error)
            failed = refusal.code == "internal-error"
            return _refuse(refusal, _language_of(request), marks, exc_info=error if failed else None)

    return handle


def _speaking_http_1(factory: Factory) -> Factory:
    """Wrap the request factory: a request of another HTTP version, or of none, is answered in HTTP/1.1."""

    def make(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        foreign = message.version not in (HttpVersion10, HttpVersion11)
        code = "http-version" if message.version > HttpVersion10 else "http-malformed"
        if message is ERROR:
            head = isinstance(protocol, _Connection) and protocol.refused.head
            message = message._replace(method=hdrs.METH_HEAD if head else message.method, version=HttpVersion11)
        elif foreign:
            message = message._replace(version=HttpVersion11, should_close=True)
        request = factory(message, payload, protocol, writer, task)
        if foreign:
            request[_VERSION_REFUSED] = code
        return request

    return make


def _language_of(request: web.BaseRequest) -> Language:
    return preferred_language(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


def _refuse(
    refusal: ProblemError,
    language: Language,
    marks: Mapping[str, str],
    *,
    exc_info: Exception | None = None,
    **known: str,
) -> web.Response:
    """The problem document, logged in one line without content of the request."""
    request_id = mint_request_id()
    record = log.error if refusal.code == "internal-error" else log.info
    record("http.refused", request_id=request_id, status=refusal.status, code=refusal.code, exc_info=exc_info, **known)
    response = problem_response(refusal, language)
    response.headers.update({**marks, REQUEST_ID: request_id})
    forbid_sniffing(response)
    response.force_close()
    return response
