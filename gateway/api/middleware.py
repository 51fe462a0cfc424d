"""The middleware: tracing, authentication, rate limit, work accounting, and problem documents for refusals.

A single middleware does all of it: each further layer would cost every request as much as the work that it does.
"""

import asyncio
from typing import NoReturn

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.api.auth import authenticate, set_certificate_header
from gateway.api.context import PARTNER
from gateway.api.deprecation import set_deprecation
from gateway.api.limit import limit_address, limit_rate, set_rate_headers
from gateway.api.problem import REFUSAL_PAGE, ProblemError, forbid_sniffing, refuse
from gateway.api.trace import NO_STATUS, begin_trace, end_trace, sign
from gateway.api.work import AbandonedError, begin_work, end_with, hang_up, stopping_problem


@web.middleware
async def request_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or the problem that prevents it."""
    clock = asyncio.get_running_loop().time
    began, status = clock(), NO_STATUS
    begin_trace(request)
    try:
        try:
            response = await _work(request, handler, clock())
        except ConnectionError:
            return web.Response(status=NO_STATUS)  # never sent: the client has disconnected
        except AbandonedError as error:
            if not error.stopping:
                hang_up(request)
                return web.Response(status=NO_STATUS)
            response = await end_with(request, _refuse(request, stopping_problem()))
        except Exception as error:  # noqa: BLE001  # classified there, and logged if unexpected
            response = _refuse(request, error)
        if PARTNER not in request and not request.content.is_eof():
            response = await end_with(request, response)
        status = response.status
        return response
    finally:
        end_trace(request, status, clock() - began)


async def _work(request: web.Request, handler: Handler, now: float) -> web.StreamResponse:
    """Authenticate, then handle the request in the share of its partner, or of the network address of a request that
    needs none. A refusal is work too.
    """
    try:
        partner = await authenticate(request)
        if partner is None:
            limit_address(request, now)
    except ProblemError as error:
        return await begin_work(request, request.get(PARTNER), refused=True).run(_raise(error))
    if partner is not None:
        limit_rate(request, partner, now)
    return await begin_work(request, partner).run(handler(request))


def _refuse(request: web.Request, error: Exception) -> web.Response:
    """The problem document, or its page for a browser outside of the API."""
    document = refuse(request, error)
    page = request.app.get(REFUSAL_PAGE)
    kept: dict[str, str] = {
        name: document.headers[name] for name in (hdrs.ALLOW, hdrs.RETRY_AFTER) if name in document.headers
    }
    return (page and page(request, document.status, kept)) or document


async def _raise(error: ProblemError) -> NoReturn:
    raise error


async def complete(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers of every answer just before it is sent: request id, rate limit, certificate notice, deprecation,
    and no other type than the one named.
    """
    sign(request, response)
    forbid_sniffing(response)
    set_rate_headers(request, response)
    set_certificate_header(request, response)
    set_deprecation(request, response)
