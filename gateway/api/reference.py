"""Reference lists over HTTP, with their versions, and the schema of profiles for editors. Public."""

from collections.abc import Sequence

import orjson
from aiohttp import hdrs, web

import schemas
from gateway.api.answer import is_known, send_json, tag_of, unchanged
from gateway.api.auth import public
from gateway.api.parameter import refuse_parameters
from gateway.api.problem import ProblemError
from schemas.bundle import bundled_schema

LISTS = ("sectors", "regions", "departments", "rules", "calendar")


@public
async def get_reference(request: web.Request) -> web.StreamResponse:
    """``GET /v1/reference/{list}``."""
    refuse_parameters(request.query)
    name = request.match_info["list"]
    if name not in LISTS:
        raise ProblemError("not-found")
    body = schemas.reference(name)
    tag = tag_of(name, body)
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: "public, max-age=3600", hdrs.ETAG: tag}
    return unchanged(tag, headers) if is_known(request, tag) else send_json(body, headers)


@public
async def get_profile_schema(request: web.Request) -> web.StreamResponse:
    """``GET /v1/schemas/profile.json``: the schema of profiles and mappings as one document, for editors."""
    refuse_parameters(request.query)
    body = bundled_schema("profile")
    tag = tag_of(body)
    headers: dict[str, str] = {hdrs.CACHE_CONTROL: "public, max-age=3600", hdrs.ETAG: tag}
    if is_known(request, tag):
        return unchanged(tag, headers)
    return web.Response(body=orjson.dumps(body), headers={**headers, hdrs.CONTENT_TYPE: "application/schema+json"})


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/reference/{list}", get_reference),
    web.get("/v1/schemas/profile.json", get_profile_schema),
)
