"""Request tracing: a request id, the W3C trace context, one log line and one count per request."""

import random
import re
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web
from multidict import istr

from gateway.api.context import PARTNER
from gateway.api.management import METRICS
from gateway.protocol.submission import valid_traceparent

REQUEST_ID = istr("X-Request-Id")
UNKNOWN_ROUTE = "unknown"
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ID_BITS = 96
NO_STATUS = 499
"""For the log only: the client disconnected before the answer."""

_REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

log = structlog.get_logger()


def begin_trace(request: web.Request) -> None:
    """Assign an id to the request, and bind it to every log line of its task: each request has its own task."""
    request_id = _request_id(request)
    request[_REQUEST_ID] = request_id
    structlog.contextvars.bind_contextvars(request_id=request_id)


def mint_request_id() -> str:
    """A new request id; not a secret."""
    return f"{random.getrandbits(_ID_BITS):024x}"


def traceparent_of(request: web.Request) -> str | None:
    """The request's trace context, None when there is none or it is malformed."""
    return valid_traceparent(request.headers.get("traceparent"))


def sign(request: web.Request, response: web.StreamResponse) -> None:
    """Set ``X-Request-Id`` on the answer, just before it is sent."""
    request_id = request.get(_REQUEST_ID)
    if request_id is not None:
        response.headers[REQUEST_ID] = request_id


def _request_id(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID, "")
    return given if _ID.fullmatch(given) else mint_request_id()


def end_trace(request: web.Request, status: int, seconds: float) -> None:
    """Log and count the request once, at its end: never its body, its query or its token."""
    resource = request.match_info.route.resource
    route = UNKNOWN_ROUTE if resource is None else resource.canonical
    partner = request.get(PARTNER)
    platform = None if partner is None else partner.platform
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    (log.warning if failed else log.info)(
        "api.request",
        method=request.method if request.method in hdrs.METH_ALL else "other",
        route=route,
        status=status,
        milliseconds=round(seconds * 1_000, 1),
        platform=platform,
        traceparent=traceparent_of(request),
    )
    metrics = request.app.get(METRICS)
    if metrics is not None:
        metrics.count_request(route=route, method=request.method, status=status, seconds=seconds, platform=platform)
