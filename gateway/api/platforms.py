"""The status of the federation over HTTP: its platforms, and details of the caller's own (requirement SEC-014)."""

from collections.abc import Sequence

from aiohttp import hdrs, web

from gateway.api.answer import PRIVATE, send_json
from gateway.api.auth import requires
from gateway.api.context import SCOPES, federation_of, partner_of
from gateway.api.problem import language_of
from gateway.api.query import refuse_parameters
from gateway.federation.status import status_answer


@requires("offers:read", "offers:publish", "operate")
async def list_platforms(request: web.Request) -> web.StreamResponse:
    """``GET /v1/platforms``."""
    refuse_parameters(request.query)
    language = language_of(request)
    body = await status_answer(
        federation_of(request), language, asker=partner_of(request).platform, operator="operate" in request[SCOPES]
    )
    varies = f"{hdrs.AUTHORIZATION}, {hdrs.ACCEPT_LANGUAGE}"
    return send_json(body, {**PRIVATE, hdrs.CONTENT_LANGUAGE: language, hdrs.VARY: varies})


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/platforms", list_platforms),)
