"""The status of the federation as each of its partners may know it, for the API and for a command beside it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.federation.federation import Federation
from gateway.log.positions import unread
from gateway.operate.status import UNCOVERED, Facts, may_see_details, status_document, statuses
from gateway.partners.onboarding import presets
from gateway.protocol.receipt import refusals_key, unlisted
from gateway.protocol.record import utc
from gateway.protocol.topic import INBOX, SUBMISSIONS
from gateway.protocol.visibility import Filter, Reader
from gateway.store import OfferView
from gateway.store.search.search import OUTSIDER
from schemas.rulebook import Language


async def status_answer(
    federation: Federation, language: Language, *, asker: str = "", operator: bool
) -> dict[str, Any]:
    """The body of ``GET /v1/platforms``, as far as the asker may know it (SEC-014)."""
    partners = {partner.platform: partner for partner in federation.partners.all()}
    inboxes = [slug for slug, one in partners.items() if one.inbox and may_see_details(asker, slug, operator=operator)]
    live = await _live(federation.offers, {**presets(), **partners}, asker=asker, operator=operator)
    facts = await facts_of(federation, live=live, inboxes=inboxes)
    return {
        "at": utc(facts.now),
        "undecided": await unread(federation.log, SUBMISSIONS, federation.positions.of(SUBMISSIONS)),
        "platforms": [status_document(line, language) for line in statuses(facts, asker=asker, operator=operator)],
    }


async def facts_of(federation: Federation, *, live: Mapping[str, int], inboxes: Sequence[str] = ()) -> Facts:
    """The facts in the views and the log at this moment. ``live`` counts offers by platform; ``inboxes`` are the
    platforms whose unread messages are counted.
    """
    positions = federation.positions
    lags = await asyncio.gather(*(unread(federation.log, INBOX + one, positions.of(INBOX + one)) for one in inboxes))
    return Facts(
        now=federation.clock(),
        partners={partner.platform: partner for partner in federation.partners.all()},
        live=live,
        filling=not all(view.caught_up for view in (federation.receipts, federation.deliveries, federation.runs)),
        receipts=await federation.receipts.counts(),
        deliveries=await federation.deliveries.summaries(),
        runs=await federation.runs.last(),
        pauses=await federation.runs.paused(),
        accounts=await federation.deliveries.accounts(),
        unlisted={slug: unlisted(positions.of(refusals_key(INBOX + slug))) for slug in inboxes},
        inbox_lag={slug: lag for slug, lag in zip(inboxes, lags, strict=True) if lag is not None},
    )


async def _live(view: OfferView, platforms: Mapping[str, object], *, asker: str, operator: bool) -> Mapping[str, int]:
    """Live offers by platform, and by Region for those without a platform: all of them if the asker may count them,
    else those that it may read, so that no number reveals a hidden offer. Empty while the view is being filled.
    """
    reader = OUTSIDER if operator else Reader(asker)
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
