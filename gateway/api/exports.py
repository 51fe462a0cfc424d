"""Exports over HTTP: all readable offers that match a filter, in formats other than the shared schema."""

from collections.abc import AsyncGenerator, Sequence

from aiohttp import hdrs, web

from gateway.api.answer import PRIVATE, is_known, send_pieces, tag_of, unchanged
from gateway.api.auth import requires
from gateway.api.context import Context, context_of, federation_of, partner_of
from gateway.api.get_offers import Document, offer_document
from gateway.api.limit import Slots
from gateway.api.problem import ProblemError
from gateway.api.query import read_filter
from gateway.api.readiness import require_caught_up, view_behind
from gateway.api.work import Work, work_of
from gateway.protocol.record import utc
from gateway.protocol.rendering import Rendering
from gateway.protocol.visibility import Filter, Reader

EXPORTS: web.AppKey[Slots] = web.AppKey("exports", Slots)

_OFFERS_AT_ONCE = 200
_RENDERED_AT_ONCE = 25
_HEADERS = {**PRIVATE, hdrs.VARY: f"{hdrs.AUTHORIZATION}, {hdrs.ACCEPT_ENCODING}"}


@requires("offers:read")
async def get_export(request: web.Request) -> web.StreamResponse:
    """``GET /v1/exports/{format}``."""
    require_caught_up(federation_of(request).offers)
    context, partner = context_of(request), partner_of(request)
    rendering = context.renderings.get(request.match_info["format"])
    if rendering is None:
        raise ProblemError("not-found")
    criteria = read_filter(request.query, partner, waiting=federation_of(request).waiting)
    tag = _tag(request)
    if is_known(request, tag):
        return unchanged(tag, _HEADERS)
    with request.app[EXPORTS].one(partner.platform):
        rendered = _rendered(request, rendering, criteria)
        return await send_pieces(request, _response(request, rendering, tag), rendered)


def _tag(request: web.Request) -> str:
    """A weak entity tag: an export may contain offers that arrive while it is sent."""
    federation, partner = federation_of(request), partner_of(request)
    positions, territory = federation.offers.positions, sorted(partner.territory)
    return "W/" + tag_of(federation.identity, positions, partner.platform, territory, request.path_qs)


def _response(request: web.Request, rendering: Rendering, tag: str) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **_HEADERS,
            hdrs.CONTENT_TYPE: rendering.media_type,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="offers.{rendering.extension}"',
            hdrs.ETAG: tag,
        }
    )
    if request.method != hdrs.METH_HEAD and _takes_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def _takes_gzip(request: web.Request) -> bool:
    for coding in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or weight == ""
    return False


async def _rendered(request: web.Request, rendering: Rendering, criteria: Filter) -> AsyncGenerator[bytes, None]:
    """The export in pieces, with at most one page of offers in memory."""
    work, reader = work_of(request), Reader(partner_of(request).platform)
    yield rendering.begin
    before = b""
    async for documents in _pages(work, context_of(request), reader, criteria):
        for start in range(0, len(documents), _RENDERED_AT_ONCE):
            await work.next()
            yield before + rendering.between.join(map(rendering.item, documents[start : start + _RENDERED_AT_ONCE]))
            before = rendering.between
    yield rendering.end


async def _pages(
    work: Work, context: Context, reader: Reader, criteria: Filter
) -> AsyncGenerator[list[Document], None]:
    """Pages as in ``GET /v1/offers``; empty pages are skipped. An offer that changes meanwhile may appear twice, the
    newer state last. If the view is emptied meanwhile, the export is cut, because it would look complete.
    """
    view, own = context.federation.offers, reader.platform in criteria.platform
    began, after, more = view.began, None, True
    while more:
        page = view.page(reader=reader, criteria=criteria, after=after, limit=_OFFERS_AT_ONCE, own=own)
        states, after = await work.read(page, items=_OFFERS_AT_ONCE)
        if view.began != began:
            raise view_behind()
        duplicates = await view.possible_duplicates([state.id for state in states], reader=reader)
        if states:
            yield [
                {**offer_document(state, reader, duplicates), "at": utc(state.known.appended_at)} for state in states
            ]
        more = after is not None


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/exports/{format}", get_export),)
