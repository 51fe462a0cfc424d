"""The receipts of every platform over HTTP, for the scope ``operate``: an address apart from that of publishers."""

from collections.abc import Sequence

from aiohttp import web

from gateway.api.answer import is_vector, read_list_cursor, send_json, send_list, write_list_cursor
from gateway.api.auth import requires
from gateway.api.context import context_of, partner_of
from gateway.api.problem import ProblemError, language_of
from gateway.api.query import refuse_parameters
from gateway.api.readiness import require_caught_up
from gateway.api.receipts import answer_headers, joined_deliveries, localized, read_receipt_query


@requires("operate")
async def list_every_receipt(request: web.Request) -> web.StreamResponse:
    """``GET /v1/operate/receipts``."""
    context, reader, language = context_of(request), partner_of(request).platform, language_of(request)
    require_caught_up(context.federation.receipts, context.federation.deliveries)
    query = read_receipt_query(request.query, most=context.limits.page_items, any_platform=True)
    scope = (reader, sorted(query.platforms), *query.scope)
    after = read_list_cursor(context, "every receipt", query.cursor, *scope, of=is_vector)
    receipts, further, more = await context.federation.receipts.page(
        query.platforms or None, after=after, limit=query.limit, criteria=query.criteria, newest=query.newest
    )
    cursor = write_list_cursor(context, "every receipt", further, *scope)
    documents = (localized(receipt, language) for receipt in await joined_deliveries(context, receipts))
    return await send_list(request, "receipts", documents, {"cursor": cursor, "more": more}, answer_headers(language))


@requires("operate")
async def get_any_receipt(request: web.Request) -> web.StreamResponse:
    """``GET /v1/operate/receipts/{receipt}``: once it is decided."""
    refuse_parameters(request.query)
    context, language = context_of(request), language_of(request)
    require_caught_up(context.federation.receipts, context.federation.deliveries)
    receipt = await context.federation.receipts.get(request.match_info["receipt"])
    if receipt is None:
        raise ProblemError("not-found")
    [joined] = await joined_deliveries(context, [receipt])
    return send_json(localized(joined, language), answer_headers(language))


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/operate/receipts", list_every_receipt),
    web.get("/v1/operate/receipts/{receipt}", get_any_receipt),
)
