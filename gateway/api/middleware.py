"""What each request passes through on its way to its handler: it is traced, its partner proved and counted, and every
refusal is told as a problem. One layer for all: each layer costs every request as much as what it does.
"""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.auth import authenticate
from gateway.api.certification import tell_certificate
from gateway.api.limit import limit_rate, tell_rate
from gateway.api.problem import refuse
from gateway.api.trace import NO_STATUS, begin_trace, end_trace, sign
from gateway.api.work import AbandonedError, begin_work, end_with, hang_up, stopping_problem


@web.middleware
async def let_pass(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or why there is none. Public routes have no partner, and no rate."""
    clock = asyncio.get_running_loop().time
    began, status = clock(), NO_STATUS
    begin_trace(request)
    try:
        try:
            partner = await authenticate(request)
            if partner is not None:
                limit_rate(request, partner, clock())
            response = await begin_work(request, partner).run(handler(request))
        except ConnectionError:
            return web.Response(status=NO_STATUS)  # for nobody: the client has left
        except AbandonedError as error:
            if not error.stopping:
                hang_up(request)
                return web.Response(status=NO_STATUS)
            response = await end_with(request, refuse(request, stopping_problem()))
        except Exception as error:  # noqa: BLE001  # sorted there, and logged where unforeseen
            response = refuse(request, error)
        status = response.status
        return response
    finally:
        end_trace(request, status, clock() - began)


async def complete(request: web.Request, response: web.StreamResponse) -> None:
    """Put on the answer, just before it is sent, what every one has: its id, what is left, what will be needed."""
    sign(request, response)
    tell_rate(request, response)
    tell_certificate(request, response)
