"""A platform's feed over HTTP: the operator pauses it, resumes it, or has it run now."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import hdrs, web

from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import context_of, partner_of
from gateway.api.problem import ProblemError, require_caught_up
from gateway.api.query import refuse_parameters
from gateway.errors import CodedError
from gateway.operate.feeds import has_feed, new_order, order_now, set_paused, write_run_entry
from gateway.protocol.journal import Actor, clean_reason
from gateway.protocol.record import utc
from gateway.protocol.source_run import Pause

_ACTIONS = ("pause", "resume", "run")
_EXPECTED = '{"action": "pause" | "resume" | "run", "reason"?: "…", "confirm"?: 0}'
_MOST = 2**31


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
    context, platform = context_of(request), request.match_info["platform"]
    require_caught_up(context.runs)
    asked = read_feed_action(await read_document(request))
    partner = context.partners.get(platform)
    if partner is None or partner.revoked or not has_feed(partner):
        raise ProblemError("not-found")
    actor = Actor(client=partner_of(request).platform)
    known, at = await context.runs.paused(), context.clock()
    if asked.action == "run":
        try:
            order = new_order(platform, at=at, confirm=asked.confirm, known=known)
        except CodedError as error:
            raise ProblemError(error.code, **error.values) from error
        await write_run_entry(context.acts, platform, confirm=asked.confirm, actor=actor, why=asked.reason)
        await order_now(context.log, order)
        return _answer({"platform": platform, "order": order.id}, HTTPStatus.ACCEPTED)
    pause = Pause(platform=platform, paused=asked.action == "pause", at=at)
    changed = await set_paused(context.log, context.acts, pause, known=known, actor=actor, why=asked.reason)
    since = None if not pause.paused else at if changed else known[platform].at
    body = {"platform": platform, "paused": pause.paused, "changed": changed}
    return _answer(body if since is None else {**body, "since": utc(since)}, HTTPStatus.OK)


def read_feed_action(raw: bytes) -> FeedAction:
    """What a body asks for. Raises ProblemError."""
    try:
        asked = orjson.loads(raw)
    except orjson.JSONDecodeError:
        asked = None
    wrong = ProblemError("body-malformed", expected=_EXPECTED)
    if not isinstance(asked, dict) or asked.get("action") not in _ACTIONS:
        raise wrong
    known = {"action", "reason", "confirm"} if asked["action"] == "run" else {"action", "reason"}
    reason, confirm = asked.get("reason", ""), asked.get("confirm")
    if not asked.keys() <= known or not isinstance(reason, str):
        raise wrong
    if "confirm" in asked and (type(confirm) is not int or not 0 <= confirm <= _MOST):
        raise wrong
    try:
        return FeedAction(action=asked["action"], reason=clean_reason(reason), confirm=confirm)
    except ValueError:
        raise wrong from None


def _answer(body: dict[str, Any], status: HTTPStatus) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: "application/json", hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/platforms/{platform}/feed", post_feed),)
