"""Discovery: versions, limits and endpoints of this gateway, the documents that describe its API, reference lists."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import hdrs, web

import schemas
from gateway.api.answer import is_known, tag_of, unchanged
from gateway.api.auth import public
from gateway.api.context import context_of
from gateway.api.problem import ProblemError
from gateway.api.query import refuse_parameters
from gateway.protocol import PROTOCOL_VERSION
from schemas.bundle import bundled_schema
from schemas.contract import asyncapi_document, openapi_document
from schemas.discovery import ENDPOINTS, REFERENCE_LISTS


@public
async def get_discovery(request: web.Request) -> web.Response:
    """``GET /.well-known/passerelle``."""
    refuse_parameters(request.query)
    context = context_of(request)
    body: dict[str, Any] = {
        "protocol_version": PROTOCOL_VERSION,
        "schema_version": schemas.SCHEMA_VERSION,
        "rules_version": schemas.RULES_VERSION,
        "limits": asdict(context.limits),
        "endpoints": ENDPOINTS,
    }
    if context.require_certificate is not None:
        body["certificate_required_from"] = context.require_certificate.isoformat()
    return _public(request, body)


@public
async def get_openapi(request: web.Request) -> web.Response:
    """``GET /v1/openapi.json``."""
    refuse_parameters(request.query)
    return _public(request, openapi_document())


@public
async def get_asyncapi(request: web.Request) -> web.Response:
    """``GET /v1/asyncapi.json``."""
    refuse_parameters(request.query)
    return _public(request, asyncapi_document())


@public
async def get_reference(request: web.Request) -> web.Response:
    """``GET /v1/reference/{list}``: a code list with its version."""
    refuse_parameters(request.query)
    name = request.match_info["list"]
    if name not in REFERENCE_LISTS:
        raise ProblemError("not-found")
    return _public(request, schemas.reference(name), seconds=3_600)


@public
async def get_profile_schema(request: web.Request) -> web.Response:
    """``GET /v1/schemas/profile.json``: the schema of profiles and mappings as one document, for editors."""
    refuse_parameters(request.query)
    return _public(request, bundled_schema("profile"), seconds=3_600, media_type="application/schema+json")


def _public(
    request: web.Request, body: Mapping[str, Any], *, seconds: int = 300, media_type: str = "application/json"
) -> web.Response:
    """A document for every client, which caches may keep for ``seconds``."""
    tag = tag_of(body)
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: f"public, max-age={seconds}", hdrs.ETAG: tag}
    if is_known(request, tag):
        return unchanged(tag, headers)
    return web.Response(body=orjson.dumps(body), headers={**headers, hdrs.CONTENT_TYPE: media_type})


ROUTES: Sequence[web.RouteDef] = (
    web.get("/.well-known/passerelle", get_discovery),
    web.get("/v1/openapi.json", get_openapi),
    web.get("/v1/asyncapi.json", get_asyncapi),
    web.get("/v1/reference/{list}", get_reference),
    web.get("/v1/schemas/profile.json", get_profile_schema),
)
