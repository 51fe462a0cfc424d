"""A platform's feed over HTTP: the operator pauses it, resumes it, or has it run now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import federation_of, partner_of
from gateway.api.desk import Check, answered, one_of, parse_act, within
from gateway.api.problem import ProblemError, require_caught_up
from gateway.api.query import refuse_parameters
from gateway.errors import CodedError
from gateway.operate.feeds import has_feed, new_order, order_now, set_paused, write_run_entry
from gateway.protocol.journal import Actor
from gateway.protocol.record import utc
from gateway.protocol.source_run import Pause

_EXPECTED = '{"action": "pause" | "resume" | "run", "reason"?: "…", "confirm"?: 0}'
_MEMBERS: Mapping[str, Check] = {"action": one_of("pause", "resume", "run"), "confirm": within(0, 2**31)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAction:
    """What a body asks for; ``confirm`` with ``run`` only."""

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
    partner = federation.partners.get(platform)
    if partner is None or partner.revoked or not has_feed(partner):
        raise ProblemError("not-found")
    actor = Actor(client=partner_of(request).platform)
    known, at = await federation.runs.paused(), federation.clock()
    if asked.action == "run":
        try:
            order = new_order(platform, at=at, confirm=asked.confirm, known=known)
        except CodedError as error:
            raise ProblemError(error.code, **error.values) from error
        await write_run_entry(federation.acts, platform, confirm=asked.confirm, actor=actor, why=asked.reason)
        await order_now(federation.log, order)
        return answered({"platform": platform, "order": order.id}, status=HTTPStatus.ACCEPTED)
    pause = Pause(platform=platform, paused=asked.action == "pause", at=at)
    changed = await set_paused(federation.log, federation.acts, pause, known=known, actor=actor, why=asked.reason)
    since = None if not pause.paused else at if changed else known[platform].at
    body = {"platform": platform, "paused": pause.paused, "changed": changed}
    return answered(body if since is None else {**body, "since": utc(since)})


def read_feed_action(raw: bytes) -> FeedAction:
    """What a body asks for. Raises ProblemError."""
    asked, reason = parse_act(raw, _MEMBERS, required=("action",), expected=_EXPECTED)
    if "confirm" in asked and asked["action"] != "run":
        raise ProblemError("body-malformed", expected=_EXPECTED)
    return FeedAction(action=asked["action"], reason=reason, confirm=asked.get("confirm"))


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/platforms/{platform}/feed", post_feed),)
