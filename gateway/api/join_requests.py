"""Requests to join over HTTP: the operator reads, tries, approves and refuses them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.context import federation_of
from gateway.api.desk import acting, answered, are_named_texts, are_texts, is_flag, is_text, one_of, refusals
from gateway.api.query import refuse_parameters
from gateway.notices.request_acts import (
    approve_request,
    dry_run_document,
    found,
    listed,
    refuse_request,
    request_document,
    try_request,
)
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.partner import partner_document
from gateway.partners.onboarding import PartnerInput


@requires("operate")
async def get_requests(request: web.Request) -> web.StreamResponse:
    """``GET /v1/requests``."""
    refuse_parameters(request.query)
    book = federation_of(request).contacts.requests
    await book.catch_up()
    return answered({"requests": [request_document(one) for one in listed(book.state)]})


@requires("operate")
async def get_request(request: web.Request) -> web.StreamResponse:
    """``GET /v1/requests/{request}``."""
    refuse_parameters(request.query)
    book = federation_of(request).contacts.requests
    await book.catch_up()
    with refusals():
        return answered(request_document(found(book.state, request.match_info["request"])))


@acting(
    {
        "action": one_of("try", "approve", "refuse"),
        "platform": is_text,
        "name": is_text,
        "scopes": are_texts,
        "departments": are_texts,
        "hosts": are_texts,
        "national_delivery": is_text,
        "public": are_named_texts,
        "secret": is_flag,
    },
    required=("action",),
)
async def post_request(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/requests/{request}``."""
    federation, request_id = federation_of(request), request.match_info["request"]
    book, action, platform = federation.contacts.requests, act.pop("action"), act.pop("platform", None)
    if (platform is None) == (action == "approve") or (act and action != "approve"):
        raise RefusedActError("request-refused", "An approval names the platform, and nothing else does.")
    if action == "try":
        return answered(
            {"request": request_id, **dry_run_document(await try_request(desk, book, request_id, federation.rehearse))}
        )
    if action == "refuse":
        await refuse_request(desk, book, request_id)
        return answered({"request": request_id, "step": "refused"})
    secret = act.pop("secret", False)
    partner, minted = await approve_request(desk, book, request_id, platform, PartnerInput(**act), secret=secret)
    body: dict[str, Any] = {"request": request_id, "partner": partner_document(partner, now=desk.clock())}
    if minted is None:
        return answered(body)
    return answered(body | {"client_id": partner.platform, "client_secret": minted.text}, status=HTTPStatus.CREATED)


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/requests", get_requests),
    web.get("/v1/requests/{request}", get_request),
    web.post("/v1/requests/{request}", post_request),
)
