"""Moderation over HTTP: the operator withdraws an offer, or lifts its moderation (requirement WDR-007)."""

import hashlib
from collections.abc import Sequence

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import federation_of, partner_of
from gateway.api.decision import answer_decision
from gateway.api.desk import one_of, parse_act, refusals
from gateway.api.idempotency import PendingAnswer, run_once
from gateway.api.query import offer_id_of, refuse_parameters
from gateway.api.readiness import require_caught_up
from gateway.api.work import work_of
from gateway.federation.moderation import moderate_offer
from gateway.operate.moderation import Action
from gateway.protocol.journal import Actor

_EXPECTED = '{"action": "moderate" | "lift", "reason"?: "…"}'
_MEMBERS = {"action": one_of("moderate", "lift")}


@requires("operate")
async def post_moderation(request: web.Request) -> web.StreamResponse:
    """``POST /v1/offers/{id}/moderation``."""
    require_caught_up(federation_of(request).offers)
    refuse_parameters(request.query)
    offer_id = offer_id_of(request)
    raw = await read_document(request)
    act, reason = parse_act(raw, _MEMBERS, required=("action",), expected=_EXPECTED)
    return await run_once(
        request, hashlib.sha256(raw).hexdigest(), lambda: _moderate(request, act["action"], offer_id, reason)
    )


async def _moderate(request: web.Request, action: Action, offer_id: str, reason: str | None) -> PendingAnswer:
    federation = federation_of(request)
    desk = federation.desk(Actor(client=partner_of(request).platform), reason)
    with refusals():
        command = await moderate_offer(federation, desk, action, offer_id, wait=work_of(request).wait)
    return PendingAnswer.of(await answer_decision(request, command))


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/offers/{id}/moderation", post_moderation),)
