"""Discovery: versions, limits and endpoints of this gateway, the documents that describe its API, reference lists."""

from collections.abc import Callable, Mapping, Sequence
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
from gateway.api.work import work_of
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
        "release": schemas.RELEASE,
        "limits": asdict(context.limits),
        "endpoints": ENDPOINTS,
    }
    if context.federation.terms.require_certificate is not None:
        body["certificate_required_from"] = context.federation.terms.require_certificate.isoformat()
    if days := context.federation.releases.state.days:
        body["activations"] = {release: day.isoformat() for release, day in sorted(days.items())}
    return _public(request, *_written(body))


@public
async def get_openapi(request: web.Request) -> web.Response:
    """``GET /v1/openapi.json``."""
    refuse_parameters(request.query)
    return _public(request, *await _kept(request, openapi_document))


@public
async def get_asyncapi(request: web.Request) -> web.Response:
    """``GET /v1/asyncapi.json``."""
    refuse_parameters(request.query)
    return _public(request, *await _kept(request, asyncapi_document))


@public
async def get_reference(request: web.Request) -> web.Response:
    """``GET /v1/reference/{list}``: a code list with its version."""
    refuse_parameters(request.query)
    name = request.match_info["list"]
    if name not in REFERENCE_LISTS:
        raise ProblemError("not-found")
    return _public(request, *await _kept(request, schemas.reference, name), seconds=3_600)


@public
async def get_profile_schema(request: web.Request) -> web.Response:
    """``GET /v1/schemas/profile.json``: the schema of profiles and mappings as one document, for editors."""
    refuse_parameters(request.query)
    document = await _kept(request, bundled_schema, "profile")
    return _public(request, *document, seconds=3_600, media_type="application/schema+json")


_DOCUMENTS: dict[tuple[object, ...], tuple[bytes, str]] = {}
"""The packaged documents that were asked for, as they are sent, with their entity tags."""


async def _kept(request: web.Request, read: Callable[..., Mapping[str, Any]], *name: str) -> tuple[bytes, str]:
    """A packaged document: read and written once, in a thread, since some are bundled from many files."""
    key = (read, *name)
    if key not in _DOCUMENTS:
        _DOCUMENTS[key] = await work_of(request).in_thread(lambda: _written(read(*name)))
    return _DOCUMENTS[key]


def _written(body: Mapping[str, Any]) -> tuple[bytes, str]:
    return orjson.dumps(body), tag_of(body)


def _public(
    request: web.Request, body: bytes, tag: str, *, seconds: int = 300, media_type: str = "application/json"
) -> web.Response:
    """A document for every client, which caches may keep for ``seconds``."""
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: f"public, max-age={seconds}", hdrs.ETAG: tag}
    if is_known(request, tag):
        return unchanged(tag, headers)
    return web.Response(body=body, headers={**headers, hdrs.CONTENT_TYPE: media_type})


ROUTES: Sequence[web.RouteDef] = (
    web.get("/.well-known/passerelle", get_discovery),
    web.get("/v1/openapi.json", get_openapi),
    web.get("/v1/asyncapi.json", get_asyncapi),
    web.get("/v1/reference/{list}", get_reference),
    web.get("/v1/schemas/profile.json", get_profile_schema),
)
