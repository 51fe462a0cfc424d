"""Moderation over HTTP: the operator withdraws an offer, or lifts its moderation (requirement WDR-007)."""

import hashlib
from collections.abc import Sequence

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.body import read_document
from gateway.api.context import federation_of, partner_of
from gateway.api.decision import submit
from gateway.api.desk import one_of, parse_act
from gateway.api.idempotency import Answer, run_once
from gateway.api.problem import ProblemError, require_caught_up, view_behind
from gateway.api.query import offer_id_of, refuse_parameters
from gateway.api.work import work_of
from gateway.errors import CodedError
from gateway.log.positions import end_of
from gateway.operate.moderation import Moderation, moderation_command, write_entry
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import Actor
from gateway.protocol.topic import OFFERS

_CATCH_UP_SECONDS = 10.0
_EXPECTED = '{"action": "moderate" | "lift", "reason"?: "…"}'


@requires("operate")
async def post_moderation(request: web.Request) -> web.StreamResponse:
    """``POST /v1/offers/{id}/moderation``."""
    require_caught_up(federation_of(request).offers)
    refuse_parameters(request.query)
    offer_id = offer_id_of(request)
    raw = await read_document(request)
    asked = read_moderation(raw, offer_id)
    return await run_once(request, hashlib.sha256(raw).hexdigest(), lambda: _moderate(request, asked))


def read_moderation(raw: bytes, offer_id: str) -> Moderation:
    """What a body asks for; contact data in its reason is redacted. Raises ProblemError."""
    members = {"action": one_of("moderate", "lift")}
    asked, reason = parse_act(raw, members, required=("action",), expected=_EXPECTED)
    return Moderation(action="lift" if asked["action"] == "lift" else "moderate", offer_id=offer_id, reason=reason)


async def _moderate(request: web.Request, asked: Moderation) -> Answer:
    """Submit the command if there is anything to do; any newer change prevails over it (WDR-006). Raises
    ProblemError.
    """
    federation = federation_of(request)
    partitions = federation.log.partitions
    await _catch_up(request, partition_of(asked.offer_id, partitions))
    state = await federation.offers.get(asked.offer_id)
    known = None if state is None else state.known
    try:
        command = moderation_command(asked, known, ids=federation.ids, partitions=partitions)
    except CodedError as error:
        raise ProblemError(error.code, **error.values) from error
    await write_entry(federation.acts, asked, Actor(client=partner_of(request).platform))
    return Answer.of(await submit(request, command))


async def _catch_up(request: web.Request, partition: int) -> None:
    """Wait until the offer view has applied every change that was decided before this request: an offer just accepted
    is known, at its latest revision. Raises ProblemError.
    """
    federation = federation_of(request)
    end = await end_of(federation.log, OFFERS, partition)
    if not await work_of(request).wait(federation.offers.reached(end, _CATCH_UP_SECONDS), otherwise=False):
        raise view_behind()


ROUTES: Sequence[web.RouteDef] = (web.post("/v1/offers/{id}/moderation", post_moderation),)
