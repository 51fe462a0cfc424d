"""Contacts over HTTP: who receives the notices of a platform, for the scope ``operate``."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.api.auth import requires
from gateway.api.context import context_of, federation_of
from gateway.api.desk import acting, answered, is_object, is_text, one_of
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.notices.acts import add_contact, change_contact, contact_document
from gateway.operate.desk import Desk
from schemas.rulebook import LANGUAGES


@requires("operate")
async def get_contacts(request: web.Request) -> web.StreamResponse:
    """``GET /v1/partners/{platform}/contacts``."""
    refuse_parameters(request.query)
    federation, platform = federation_of(request), request.match_info["platform"]
    await federation.partners.catch_up()
    if federation.partners.get(platform) is None:
        raise ProblemError("not-found")
    await federation.contacts.catch_up()
    return answered({"contacts": [contact_document(one) for one in federation.contacts.of(platform)]})


@acting(
    {"address": is_text, "name": is_text, "language": LANGUAGES.__contains__}, required=("address", "name", "language")
)
async def post_contact(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/contacts``."""
    context, platform = context_of(request), request.match_info["platform"]
    contact = await add_contact(desk, context.federation.contacts, platform, mails=context.mails, **act)
    return answered(contact_document(contact), status=HTTPStatus.CREATED)


@acting({"action": one_of("choose", "stop", "erase"), "choices": is_object}, required=("action",))
async def post_contact_act(request: web.Request, desk: Desk, act: dict[str, Any]) -> web.StreamResponse:
    """``POST /v1/partners/{platform}/contacts/{contact}``."""
    platform, contact_id = request.match_info["platform"], request.match_info["contact"]
    book = federation_of(request).contacts
    await change_contact(desk, book, platform, contact_id, act["action"], act.get("choices"))
    return answered({"platform": platform, "contact": contact_id, "action": act["action"]})


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/partners/{platform}/contacts", get_contacts),
    web.post("/v1/partners/{platform}/contacts", post_contact),
    web.post("/v1/partners/{platform}/contacts/{contact}", post_contact_act),
)
