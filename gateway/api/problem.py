"""Problem documents: every refusal of the API as RFC 9457 JSON, in the reader's language, one type per code."""

import errno
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeAlias

import orjson
import structlog
from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

import schemas
from gateway.errors import LogBusyError, LogError, LogUnavailableError, QueuingStoppedError, UnknownOutcomeError
from gateway.runtime.sqlite_damage import is_shortage
from schemas.refusal import MEDIA_TYPE
from schemas.refusal import problem_document as document_of
from schemas.rulebook import Language, preferred_language

log = structlog.get_logger()

RefusalPage: TypeAlias = Callable[[web.Request, int, Mapping[str, str]], web.Response | None]
"""Renders a refusal with this status and these headers as a page; None for a client that gets a problem document."""
REFUSAL_PAGE: web.AppKey[RefusalPage] = web.AppKey("refusal_page")
"""Set by the composition root where the gateway has pages."""

_BY_STATUS: Mapping[int, str] = {
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    417: "expectation-failed",
}
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Temporary exhaustion of file descriptors, buffers or memory."""


class ProblemError(Exception):
    """A refusal, raised to the middleware, which renders it.

    ``code`` names a rule of the catalogue, whose ``status`` is the HTTP status unless ``status`` is given; ``args``
    fill its message (``expected`` and ``actual`` among them). ``problems`` are problem documents in both languages
    (schema ``problem``), such as those of a verdict. ``members`` are further members of the document.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        pointer: str = "",
        problems: Sequence[Mapping[str, Any]] = (),
        members: Mapping[str, Any] | None = None,
        **args: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status if status is not None else schemas.catalogue()[code].status or HTTPStatus.BAD_REQUEST
        self.headers = dict(headers or {})
        self.problems = problems
        self.members = dict(members or {})
        self.explanation = schemas.problem(code, pointer=pointer, **args)


_MAX_CACHED = 100
"""Longest header whose language is cached, in characters; those of browsers are shorter."""
_preferred = lru_cache(maxsize=256)(preferred_language)


def language_of(request: web.BaseRequest) -> Language:
    """French, unless ``Accept-Language`` prefers English (RFC 9110 weights)."""
    accepted = request.headers.get(hdrs.ACCEPT_LANGUAGE, "")
    return _preferred(accepted) if len(accepted) <= _MAX_CACHED else preferred_language(accepted)


def problem_document(error: ProblemError, language: Language) -> dict[str, Any]:
    """The document of RFC 9457 with the members of this protocol (schema ``problem``, localised)."""
    return document_of(error.explanation, language, status=error.status, problems=error.problems, members=error.members)


def problem_headers(error: ProblemError, language: Language) -> dict[str, str]:
    """The headers of a problem document."""
    return {
        **error.headers,
        hdrs.CONTENT_TYPE: MEDIA_TYPE,
        hdrs.CONTENT_LANGUAGE: language,
        hdrs.VARY: hdrs.ACCEPT_LANGUAGE,
        hdrs.CACHE_CONTROL: "no-store",
    }


def forbid_sniffing(response: web.StreamResponse) -> None:
    """Let no browser take an answer for another type than the one named."""
    response.headers["X-Content-Type-Options"] = "nosniff"


def problem_response(error: ProblemError, language: Language) -> web.Response:
    """The problem document as a response."""
    return web.Response(
        status=error.status,
        body=orjson.dumps(problem_document(error, language)),
        headers=problem_headers(error, language),
    )


def problem_of_log(error: LogError) -> ProblemError:
    """The problem of a log failure for a publisher: 503, with the known outcome and ``Retry-After``."""
    match error:
        case LogBusyError():
            return ProblemError("log-busy", headers={hdrs.RETRY_AFTER: "2"})
        case QueuingStoppedError():
            return ProblemError("queuing-stopped", headers={hdrs.RETRY_AFTER: "5"}, actual=error.queued)
        case UnknownOutcomeError():
            return ProblemError("outcome-unknown", headers={hdrs.RETRY_AFTER: "5"})
        case _:
            return ProblemError("log-unavailable", headers={hdrs.RETRY_AFTER: "10"})


def problem_of_http(error: web.HTTPException) -> ProblemError:
    """The problem of a refusal by aiohttp itself (unknown route, method, size)."""
    headers: dict[str, str] = {name: error.headers[name] for name in (hdrs.ALLOW,) if name in error.headers}
    code = _BY_STATUS.get(error.status, "bad-request")
    return ProblemError(code, status=error.status, headers=headers)


def problem_of_failure(error: Exception) -> ProblemError:
    """The problem of an exception that ended a request; ``internal-error`` for an unexpected one. Raises aiohttp's own
    responses that are not errors.
    """
    match error:
        case ProblemError():
            return error
        case LogError():
            return problem_of_log(error)
        case web.HTTPException() if error.status < HTTPStatus.BAD_REQUEST:
            raise error
        case web.HTTPException():
            return problem_of_http(error)
        case web.RequestPayloadError() | BadHttpMessage():
            return ProblemError("body-truncated")
        case OSError() if error.errno in _EXHAUSTED:
            return ProblemError("system-exhausted", headers={hdrs.RETRY_AFTER: "10"})
        case OSError() | sqlite3.OperationalError() if is_shortage(error):
            return problem_of_log(LogUnavailableError(str(error)))
        case _:
            return ProblemError("internal-error")


def refuse(request: web.Request, error: Exception) -> web.Response:
    """The problem document for a refusal or a failure; an unexpected one is logged with its traceback and answered 500.
    Raises aiohttp's own responses that are not errors.
    """
    refusal = problem_of_failure(error)
    if isinstance(error, LogError):
        log.warning("api.log_failed", error=type(error).__name__, reason=str(error))
    elif refusal.code == "system-exhausted":
        log.warning("api.system_exhausted", reason=str(error))
    elif refusal.code == "log-unavailable":
        log.warning("api.shortage", error=type(error).__name__, reason=str(error))
    elif refusal.code == "internal-error":
        resource = request.match_info.route.resource
        log.error("api.failed", route=resource and resource.canonical, exc_info=error)
    return problem_response(refusal, language_of(request))
