"""Sign-in over HTTP: the operator makes links for persons of a platform, and ends all its sessions."""

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.context import context_of
from gateway.api.desk import answered, desk_of, is_text, read_act, refusals
from gateway.api.problem import ProblemError
from gateway.operate.sign_in import end_sessions, make_link
from gateway.protocol.record import utc

_LANGUAGES = ("fr", "en")


@requires("operate")
async def post_link(request: web.Request) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/links``."""
    members = {"person": is_text, "language": _LANGUAGES.__contains__}
    asked, reason = await read_act(request, members, required=("person",))
    context, platform = context_of(request), request.match_info["platform"]
    if context.link_url is None:
        raise ProblemError("sessions-absent")
    desk = await desk_of(request, reason)
    with refusals():
        text, until = await make_link(desk, context.federation.sign_ins, platform, asked["person"])
    url = context.link_url(text, asked.get("language", "fr"))
    return answered({"platform": platform, "url": url, "until": utc(until)}, status=HTTPStatus.CREATED)


@requires("operate")
async def post_sign_out(request: web.Request) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/sign-out``."""
    _, reason = await read_act(request, {})
    platform = request.match_info["platform"]
    desk = await desk_of(request, reason)
    with refusals():
        ended = await end_sessions(desk, platform)
    return answered({"platform": platform, "ended": ended})


ROUTES: Sequence[web.RouteDef] = (
    web.post("/v1/partners/{platform}/links", post_link),
    web.post("/v1/partners/{platform}/sign-out", post_sign_out),
)
