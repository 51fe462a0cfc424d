"""Reference lists over HTTP: sectors, regions, departments, rules and calendars, with their versions. Public."""

from collections.abc import Sequence

from aiohttp import hdrs, web

import schemas
from gateway.api.answer import is_known, send_json, tag_of, unchanged
from gateway.api.auth import public
from gateway.api.parameter import refuse_parameters
from gateway.api.problem import ProblemError

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


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/reference/{list}", get_reference),)
