"""Moderation over HTTP: the operator withdraws an offer, or lifts its moderation (requirement WDR-007)."""

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeAlias

import orjson
from aiohttp import web

from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import context_of
from gateway.api.decision import submit
from gateway.api.idempotency import Answer, run_once
from gateway.api.problem import ProblemError, require_caught_up, view_behind
from gateway.api.query import offer_id_of, refuse_parameters
from gateway.api.work import work_of
from gateway.log.positions import end_of
from gateway.protocol.identity import partition_of, platform_of
from gateway.protocol.submission import Lift, Retire
from gateway.protocol.topic import OFFERS

Action: TypeAlias = Literal["moderate", "lift"]
_MEMBERS = {"action", "reason"}
_CATCH_UP_SECONDS = 10.0
_EXPECTED = '{"action": "moderate" | "lift", "reason"?: "…"}'


@requires("operate")
async def post_moderation(request: web.Request) -> web.StreamResponse:
    """``POST /v1/offers/{id}/moderation``."""
    require_caught_up(context_of(request).offers)
    refuse_parameters(request.query)
    offer_id = offer_id_of(request)
    raw = await read_document(request)
    action = _read_action(raw)
    return await run_once(request, hashlib.sha256(raw).hexdigest(), lambda: _moderate(request, offer_id, action))


def _read_action(raw: bytes) -> Action:
    """The requested action. The body may also hold a reason; it is neither stored nor logged. Raises ProblemError."""
    try:
        asked = orjson.loads(raw)
    except orjson.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict) or not asked.keys() <= _MEMBERS or not isinstance(asked.get("reason", ""), str):
        raise ProblemError("body-malformed", expected=_EXPECTED)
    match asked.get("action"):
        case "moderate":
            return "moderate"
        case "lift":
            return "lift"
    raise ProblemError("body-malformed", expected=_EXPECTED)


async def _moderate(request: web.Request, offer_id: str, action: Action) -> Answer:
    """Submit the command if the offer is known; any newer change prevails over it (WDR-006). Raises ProblemError."""
    context = context_of(request)
    await _catch_up(request, partition_of(offer_id, context.log.partitions))
    state = await context.offers.get(offer_id)
    if state is None:
        raise ProblemError("offer-unknown", actual=offer_id)
    receipt = context.receipt_ids.derive(
        platform_of(offer_id),
        partition=partition_of(offer_id, context.log.partitions),
        parts=(action, offer_id, state.known.sequence),
    )
    revision = state.known.revision
    if action == "lift":
        return Answer.of(await submit(request, Lift(receipt=receipt, id=offer_id, if_revision=revision)))
    command = Retire(receipt=receipt, id=offer_id, if_revision=revision, reason="moderated")
    return Answer.of(await submit(request, command))


async def _catch_up(request: web.Request, partition: int) -> None:
    """Wait until the offer view has applied every change that was decided before this request: an offer just accepted
    is known, at its latest revision. Raises ProblemError.
    """
    context = context_of(request)
    end = await end_of(context.log, OFFERS, partition)
    if not await work_of(request).wait(context.offers.reached(end, _CATCH_UP_SECONDS), otherwise=False):
        raise view_behind()


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/offers/{id}/moderation", post_moderation),)
