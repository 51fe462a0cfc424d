"""Current offers over HTTP: one by id, and filtered lists (requirements RTE-*, ERR-003)."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import hdrs, web

from gateway.api.answer import (
    PRIVATE,
    is_known,
    read_list_cursor,
    send_json,
    send_list,
    tag_of,
    unchanged,
    write_list_cursor,
)
from gateway.api.auth import requires
from gateway.api.context import context_of, federation_of, partner_of
from gateway.api.problem import ProblemError
from gateway.api.query import ReaderQuery, offer_id_of, read_offers_query, refuse_parameters
from gateway.api.readiness import require_caught_up
from gateway.api.work import work_of
from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState, utc
from gateway.protocol.visibility import Reader, masked, masked_territory, may_read

Document = dict[str, Any]


@requires("offers:read")
async def get_offer(request: web.Request) -> web.StreamResponse:
    """``GET /v1/offers/{id}``."""
    require_caught_up(federation_of(request).offers)
    refuse_parameters(request.query)
    reader = Reader(partner_of(request).platform)
    state = await _visible(request, reader)
    duplicates = await federation_of(request).offers.possible_duplicates([state.id], reader=reader)
    tag = tag_of(state.known.sequence, state.id, duplicates, reader.platform)
    if is_known(request, tag):
        return unchanged(tag)
    return send_json(offer_document(state, reader, duplicates), {**PRIVATE, hdrs.ETAG: tag})


@requires("offers:read")
async def list_offers(request: web.Request) -> web.StreamResponse:
    """``GET /v1/offers``."""
    require_caught_up(federation_of(request).offers)
    context, partner = context_of(request), partner_of(request)
    query = read_offers_query(
        request.query, partner, most=context.limits.page_items, waiting=context.federation.waiting
    )
    tag = tag_of(
        context.federation.identity,
        context.federation.offers.positions,
        partner.platform,
        sorted(partner.territory),
        request.query_string,
    )
    if is_known(request, tag):
        return unchanged(tag)
    offers, rest = await _page(request, query, Reader(partner.platform))
    return await send_list(request, "offers", offers, rest, {**PRIVATE, hdrs.ETAG: tag})


def offer_document(state: OfferState, reader: Reader, possible_duplicates: Mapping[str, Sequence[str]]) -> Document:
    """A live offer, masked for this reader; the member ``possible_duplicates`` only if there are any."""
    document: Document = {
        "id": state.id,
        "sequence": state.known.sequence,
        "offer": masked(state.offer or {}, reader=reader, publisher=platform_of(state.id)),
        "territory": masked_territory(state, reader),
        "provenance": state.known.provenance,
    }
    if state.id in possible_duplicates:
        document["possible_duplicates"] = possible_duplicates[state.id]
    return document


async def _visible(request: web.Request, reader: Reader) -> OfferState:
    """The live offer that the path names. Raises ProblemError, the same for a missing offer and for one that the reader
    may not read.
    """
    state = await federation_of(request).offers.get(offer_id_of(request))
    own = state is not None and platform_of(state.id) == reader.platform
    if state is not None and state.offer is None and own:
        raise ProblemError("offer-withdrawn", members={"marker": _marker(state)})
    if state is None or state.offer is None:
        raise ProblemError("not-found")
    if not own and not may_read(reader, offer=state.offer, provenance=state.known.provenance):
        raise ProblemError("not-found")
    return state


def _marker(state: OfferState) -> Document:
    known = state.known
    return {
        "id": state.id,
        "revision": known.revision,
        "sequence": known.sequence,
        "reason": known.reason,
        "at": utc(known.appended_at),
    }


async def _page(request: web.Request, query: ReaderQuery, reader: Reader) -> tuple[list[Document], Document]:
    """One page. A reader's own offers are listed only if it filters by its own platform: it subscribes to others'."""
    context, own = context_of(request), reader.platform in query.criteria.platform
    scope = reader.platform, query.criteria.to_json()
    after = read_list_cursor(context, "offers", query.cursor, *scope, of=lambda after: isinstance(after, str))
    states, further = await work_of(request).read(
        context.federation.offers.page(reader=reader, criteria=query.criteria, after=after, limit=query.limit, own=own),
        items=query.limit,
    )
    duplicates = await context.federation.offers.possible_duplicates([state.id for state in states], reader=reader)
    documents = [offer_document(state, reader, duplicates) for state in states]
    cursor = None if further is None else write_list_cursor(context, "offers", further, *scope)
    return documents, {"cursor": cursor, "more": cursor is not None}


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/offers", list_offers),
    web.get("/v1/offers/{id}", get_offer),
)
