"""The impact of a release over HTTP: live offers that it will refuse; one's own, or with ``operate`` those of all."""

from collections.abc import Sequence

from aiohttp import web

from gateway.api.answer import PRIVATE, send_json
from gateway.api.auth import requires, scope_missing
from gateway.api.context import SCOPES, federation_of, partner_of
from gateway.api.limit import Slots
from gateway.api.query import Parameters, valid
from gateway.api.readiness import require_caught_up
from gateway.federation.impact import find_impact, find_origin
from gateway.federation.platform import platform_names
from gateway.protocol.identity import is_slug
from schemas.evolution.process import PRESENT
from schemas.rulebook import RELEASE

IMPACTS: web.AppKey[Slots] = web.AppKey("impacts", Slots)
"""Slots of the route and of the pages of evolution: one a platform, since one release judges after another."""


@requires("offers:publish", "operate")
async def get_impact(request: web.Request) -> web.StreamResponse:
    """``GET /v1/impact``."""
    federation, own = federation_of(request), partner_of(request).platform
    with Parameters(request.query, ("release", "platform")) as parameters:
        origin = parameters.one("release", lambda text: valid(find_origin(text), bool(find_origin(text))), RELEASE)
        platforms = parameters.several("platform", is_slug, "bretagne")
    if "operate" not in request[SCOPES]:
        if not platforms <= {own}:
            raise scope_missing("operate")
        platforms = frozenset({own})
    require_caught_up(federation.offers)
    of = [slug for slug in platform_names(federation) if not platforms or slug in platforms]
    with request.app[IMPACTS].one(own):
        return send_json((await find_impact(federation, of, origin or PRESENT)).to_json(), PRIVATE)


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/impact", get_impact),)
