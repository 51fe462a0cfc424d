"""A platform's feed over HTTP: the operator pauses it, resumes it, or has it run now."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.api.context import federation_of
from gateway.api.desk import Check, acting, answered, one_of, within
from gateway.api.problem import ProblemError
from gateway.operate.desk import MAX_CONFIRMED, Desk
from gateway.operate.feeds import run_feed, set_paused
from gateway.protocol.record import utc
from gateway.protocol.topic import RUNS
from schemas.closed_list import closed_list

_EXPECTED = '{"action": "pause" | "resume" | "run", "reason"?: "…", "confirm"?: 0}'
_MEMBERS: Mapping[str, Check] = {"action": one_of(*closed_list("feed_action")), "confirm": within(0, MAX_CONFIRMED)}


@acting(_MEMBERS, required=("action",), expected=_EXPECTED, view=RUNS)
async def post_feed(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/platforms/{platform}/feed``; ``confirm`` with ``run`` only."""
    platform, action = request.match_info["platform"], act["action"]
    if "confirm" in act and action != "run":
        raise ProblemError("body-malformed", expected=_EXPECTED)
    known = await federation_of(request).runs.paused()
    if action == "run":
        order, _ = await run_feed(desk, platform, confirm=act.get("confirm"), known=known)
        return answered({"platform": platform, "order": order.id}, status=HTTPStatus.ACCEPTED)
    changed, pause = await set_paused(desk, platform, paused=action == "pause", known=known)
    body = {"platform": platform, "paused": pause.paused, "changed": changed}
    return answered({**body, "since": utc(pause.at)} if pause.paused else body)


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/platforms/{platform}/feed", post_feed),)
