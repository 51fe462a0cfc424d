"""The status of the federation over HTTP: its platforms, and details of the caller's own (requirement SEC-014)."""

import asyncio
from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web

from gateway.api.answer import PRIVATE, send_json
from gateway.api.auth import requires
from gateway.api.context import SCOPES, Context, context_of, partner_of
from gateway.api.management import unread
from gateway.api.problem import language_of
from gateway.api.query import refuse_parameters
from gateway.operate.status import UNCOVERED, Facts, may_see_details, status_document, statuses
from gateway.partners.onboarding import presets
from gateway.protocol.receipt import refusals_key, unlisted
from gateway.protocol.record import utc
from gateway.protocol.topic import INBOX, SUBMISSIONS
from gateway.protocol.visibility import Filter, Reader
from gateway.store.search.search import OUTSIDER


@requires("offers:read", "offers:publish", "operate")
async def list_platforms(request: web.Request) -> web.StreamResponse:
    """``GET /v1/platforms``."""
    refuse_parameters(request.query)
    context, asker, language = context_of(request), partner_of(request).platform, language_of(request)
    operator = "operate" in request[SCOPES]
    facts = await _gather(context, asker=asker, operator=operator)
    body = {
        "at": utc(facts.now),
        "undecided": await _unread(context, SUBMISSIONS),
        "platforms": [status_document(line, language) for line in statuses(facts, asker=asker, operator=operator)],
    }
    varies = f"{hdrs.AUTHORIZATION}, {hdrs.ACCEPT_LANGUAGE}"
    return send_json(body, {**PRIVATE, hdrs.CONTENT_LANGUAGE: language, hdrs.VARY: varies})


async def _gather(context: Context, *, asker: str, operator: bool) -> Facts:
    """The facts in the views and the log at this moment."""
    partners = {partner.platform: partner for partner in context.partners.all()}
    inboxes = [slug for slug, one in partners.items() if one.inbox and may_see_details(asker, slug, operator=operator)]
    lags = await asyncio.gather(*(_unread(context, INBOX + slug) for slug in inboxes))
    return Facts(
        now=context.clock(),
        partners=partners,
        live=await _live(context, {**presets(), **partners}, asker=asker, operator=operator),
        filling=not all(view.caught_up for view in (context.receipts, context.deliveries, context.runs)),
        receipts=await context.receipts.counts(),
        deliveries=await context.deliveries.summaries(),
        runs=await context.runs.last(),
        pauses=await context.runs.paused(),
        accounts=await context.deliveries.accounts(),
        unlisted={slug: unlisted(context.positions.of(refusals_key(INBOX + slug))) for slug in inboxes},
        inbox_lag={slug: lag for slug, lag in zip(inboxes, lags, strict=True) if lag is not None},
    )


async def _unread(context: Context, topic: str) -> int | None:
    return await unread(context.log, topic, context.positions.of(topic))


async def _live(context: Context, platforms: Mapping[str, object], *, asker: str, operator: bool) -> Mapping[str, int]:
    """Live offers by platform, and by Region for those without a platform: all of them if the asker may count them,
    else those that it may read, so that no number reveals a hidden offer. Empty while the view is being filled.
    """
    view, reader = context.offers, OUTSIDER if operator else Reader(asker)
    live: dict[str, int] = {}
    if not view.caught_up:
        return live
    for slug in platforms:
        if may_see_details(asker, slug, operator=operator):
            live[slug] = await view.count(slug)
        else:
            live[slug] = await view.count_for(reader, Filter(platform=frozenset({slug})))
    for region in UNCOVERED:
        live[region] = await view.count_for(reader, Filter(region=frozenset({region})))
    return live


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/platforms", list_platforms),)
