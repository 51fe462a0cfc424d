"""A platform's feed over HTTP: the operator pauses it, resumes it, or has it run now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import federation_of
from gateway.api.desk import Check, answered, desk_of, one_of, parse_act, refusals, within
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.api.readiness import require_caught_up
from gateway.operate.desk import MAX_CONFIRMED
from gateway.operate.feeds import run_feed, set_paused
from gateway.protocol.record import utc
from schemas.closed_list import closed_list

_EXPECTED = '{"action": "pause" | "resume" | "run", "reason"?: "…", "confirm"?: 0}'
_MEMBERS: Mapping[str, Check] = {"action": one_of(*closed_list("feed_action")), "confirm": within(0, MAX_CONFIRMED)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAction:
    """The act that a body asks for; ``confirm`` with ``run`` only."""

    action: str
    reason: str | None
    confirm: int | None


@requires("operate")
async def post_feed(request: web.Request) -> web.StreamResponse:
    """``POST /v1/platforms/{platform}/feed``."""
    refuse_parameters(request.query)
    federation, platform = federation_of(request), request.match_info["platform"]
    require_caught_up(federation.runs)
    asked = read_feed_action(await read_document(request))
    desk, known = await desk_of(request, asked.reason), await federation.runs.paused()
    with refusals():
        if asked.action == "run":
            order, _ = await run_feed(desk, platform, confirm=asked.confirm, known=known)
            return answered({"platform": platform, "order": order.id}, status=HTTPStatus.ACCEPTED)
        changed, pause = await set_paused(desk, platform, paused=asked.action == "pause", known=known)
    body = {"platform": platform, "paused": pause.paused, "changed": changed}
    return answered({**body, "since": utc(pause.at)} if pause.paused else body)


def read_feed_action(raw: bytes) -> FeedAction:
    """The act that a body asks for. Raises ProblemError."""
    asked, reason = parse_act(raw, _MEMBERS, required=("action",), expected=_EXPECTED)
    if "confirm" in asked and asked["action"] != "run":
        raise ProblemError("body-malformed", expected=_EXPECTED)
    return FeedAction(action=asked["action"], reason=reason, confirm=asked.get("confirm"))


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/platforms/{platform}/feed", post_feed),)
