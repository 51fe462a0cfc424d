"""The partners over HTTP: the operator lists, adds, changes and revokes them, and gives them new secrets."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from gateway.api.answer import PRIVATE, send_json
from gateway.api.auth import requires
from gateway.api.context import federation_of
from gateway.api.desk import (
    Check,
    acting,
    answered,
    are_named_texts,
    are_texts,
    is_flag,
    is_object,
    is_text,
    or_null,
    within,
)
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.operate.desk import Desk, add_partner, alter_partner, renew_secret, revoke_partner
from gateway.operate.partner import partner_document
from gateway.partners.credential import MAX_OVERLAP_HOURS, OVERLAP_HOURS, MintedSecret
from gateway.partners.onboarding import PartnerInput, differences
from gateway.protocol.partner import Partner

_RIGHTS: Mapping[str, Check] = {
    "name": is_text,
    "scopes": are_texts,
    "departments": are_texts,
    "hosts": are_texts,
    "national_delivery": is_text,
    "inbox": is_flag,
    "feed": is_flag,
}
_ADDED: Mapping[str, Check] = {"platform": is_text, **_RIGHTS, "jwks": is_object, "issuer": is_text}
_ALTERED: Mapping[str, Check] = {
    **_RIGHTS,
    "jwks": or_null(is_object),
    "issuer": or_null(is_text),
    "public": or_null(are_named_texts),
}
_ROTATED: Mapping[str, Check] = {"replaces": is_text, "overlap_hours": within(0, MAX_OVERLAP_HOURS)}


@requires("operate")
async def list_partners(request: web.Request) -> web.StreamResponse:
    """``GET /v1/partners``."""
    refuse_parameters(request.query)
    federation = federation_of(request)
    await federation.partners.catch_up()  # also with what another process changed a moment ago
    now = federation.clock()
    return send_json({"partners": [partner_document(one, now=now) for one in federation.partners.all()]}, PRIVATE)


@requires("operate")
async def get_partner(request: web.Request) -> web.StreamResponse:
    """``GET /v1/partners/{platform}``."""
    refuse_parameters(request.query)
    federation = federation_of(request)
    await federation.partners.catch_up()
    partner = federation.partners.get(request.match_info["platform"])
    if partner is None:
        raise ProblemError("not-found")
    return send_json(partner_document(partner, now=federation.clock()), PRIVATE)


@acting(_ADDED, required=("platform",))
async def post_partner(_request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners``."""
    slug = act.pop("platform")
    partner, minted = await add_partner(desk, slug, PartnerInput(**act))
    return _with_secret(desk, partner, minted, {hdrs.LOCATION: f"/v1/partners/{slug}"})


@acting(_ALTERED)
async def patch_partner(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``PATCH /v1/partners/{platform}``."""
    alteration = PartnerInput(
        **act,
        without_jwks="jwks" in act and act["jwks"] is None,
        without_issuer="issuer" in act and act["issuer"] is None,
        without_public="public" in act and act["public"] is None,
    )
    before, after = await alter_partner(desk, request.match_info["platform"], alteration)
    changes = {what: {"before": was, "now": is_now} for what, (was, is_now) in differences(before, after).items()}
    return answered({"partner": partner_document(after, now=desk.clock()), "changes": changes})


@acting(_ROTATED, required=("replaces",))
async def post_secret(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/secrets``. ``replaces`` names the newest secret: a repetition does nothing."""
    hours = act.get("overlap_hours", OVERLAP_HOURS)
    platform = request.match_info["platform"]
    partner, minted = await renew_secret(desk, platform, overlap_hours=hours, replaces=act["replaces"])
    return _with_secret(desk, partner, minted)


@acting({})
async def post_revocation(request: web.Request, desk: Desk, _act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/revocation``."""
    partner = await revoke_partner(desk, request.match_info["platform"])
    return answered({"partner": partner_document(partner, now=desk.clock())})


def _with_secret(
    desk: Desk, partner: Partner, minted: MintedSecret | None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The partner with a new secret, which no other answer has."""
    body: dict[str, Any] = {"partner": partner_document(partner, now=desk.clock())}
    if minted is not None:
        body |= {"client_id": partner.platform, "client_secret": minted.text}
    return answered(body, status=HTTPStatus.CREATED, headers=headers)


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/partners", list_partners),
    web.post("/v1/partners", post_partner),
    web.get("/v1/partners/{platform}", get_partner),
    web.patch("/v1/partners/{platform}", patch_partner),
    web.post("/v1/partners/{platform}/secrets", post_secret),
    web.post("/v1/partners/{platform}/revocation", post_revocation),
)
