"""Sign-in over HTTP: the operator makes links for persons of a platform, and ends all its sessions."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.api.context import context_of
from gateway.api.desk import acting, answered, is_text
from gateway.api.problem import ProblemError
from gateway.operate.desk import Desk
from gateway.operate.sign_in import end_sessions, make_link
from gateway.protocol.record import utc
from schemas.rulebook import LANGUAGES


@acting({"person": is_text, "language": LANGUAGES.__contains__}, required=("person",))
async def post_link(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/links``."""
    context, platform = context_of(request), request.match_info["platform"]
    if context.link_url is None:
        raise ProblemError("sessions-absent")
    text, until = await make_link(desk, context.federation.sign_ins, platform, act["person"])
    url = context.link_url(text, act.get("language", "fr"))
    return answered({"platform": platform, "url": url, "until": utc(until)}, status=HTTPStatus.CREATED)


@acting({})
async def post_sign_out(request: web.Request, desk: Desk, _act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/sign-out``."""
    platform = request.match_info["platform"]
    ended = await end_sessions(desk, platform)
    return answered({"platform": platform, "ended": ended})


ROUTES: Sequence[web.RouteDef] = (
    web.post("/v1/partners/{platform}/links", post_link),
    web.post("/v1/partners/{platform}/sign-out", post_sign_out),
)
