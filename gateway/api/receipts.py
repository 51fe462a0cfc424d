"""Receipts over HTTP: a publisher's own receipts, by id, and in order by filter, with deliveries (RCP-*)."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import hdrs, web
from multidict import MultiMapping

import schemas
from gateway.api.answer import PRIVATE, is_vector, read_list_cursor, send_json, send_list, write_list_cursor
from gateway.api.auth import requires
from gateway.api.context import Context, context_of, partner_of
from gateway.api.problem import ProblemError, language_of
from gateway.api.query import PAGING, Parameters, instant, paging, refuse_parameters, valid
from gateway.api.readiness import require_caught_up
from gateway.clock import CLOCKS_MS
from gateway.log.positions import end_of
from gateway.protocol.delivery import Delivery, delivery_document
from gateway.protocol.identity import (
    BATCH,
    GATEWAY,
    SNAPSHOT,
    is_offer_id,
    is_slug,
    is_upload_id,
    platform_of,
    snapshot_id,
)
from gateway.protocol.receipt import VERDICTS
from gateway.protocol.topic import RECEIPTS, SUBMISSIONS
from gateway.store.receipt_search import ALL, ReceiptFilter
from schemas.rulebook import Language

_PENDING_MS = 600_000
_REACHED_SECONDS = 2.0
_RECHECK_SECONDS = 3.0
_INTERNAL_MEMBERS = frozenset({"account", "digest", "attempt"})
_MARK = re.compile(r"[A-Za-z0-9_-]{17,2000}")
_ORDERS = ("oldest", "newest")
_FILTERS = ("verdict", "problems", "id", BATCH, SNAPSHOT, "since", "order")

Receipt = dict[str, Any]


@requires("offers:publish")
async def get_receipt(request: web.Request) -> web.StreamResponse:
    """``GET /v1/receipts/{receipt}``."""
    return await send_receipt(request, partner_of(request).platform)


@requires("offers:publish")
async def list_receipts(request: web.Request) -> web.StreamResponse:
    """``GET /v1/receipts``."""
    return await send_receipts(request, "receipts", of_all=False)


async def send_receipt(request: web.Request, publisher: str | None) -> web.StreamResponse:
    """The receipt that the address names: of this publisher, or a decided one of any for None."""
    refuse_parameters(request.query)
    context, language = context_of(request), language_of(request)
    require_caught_up(context.federation.receipts, context.federation.deliveries)
    receipt_id = request.match_info["receipt"]
    if publisher is not None:
        receipt = await find_receipt(context, receipt_id, publisher)
    elif (found := await context.federation.receipts.get(receipt_id)) is not None:
        receipt = found
    else:
        raise ProblemError("not-found")
    [joined] = await joined_deliveries(context, [receipt])
    return send_json(localized(joined, language), answer_headers(language))


async def send_receipts(request: web.Request, name: str, *, of_all: bool) -> web.StreamResponse:
    """Receipts by the query: those of the client, or of all platforms. ``name`` is that of their cursors."""
    context, reader, language = context_of(request), partner_of(request).platform, language_of(request)
    require_caught_up(context.federation.receipts, context.federation.deliveries)
    query = read_receipt_query(request.query, most=context.limits.page_items, any_platform=of_all)
    scope = (reader, *([sorted(query.platforms)] if of_all else []), *query.scope)
    after = read_list_cursor(context, name, query.cursor, *scope, of=is_vector)
    receipts, further, more = await context.federation.receipts.page(
        (query.platforms or None) if of_all else reader,
        after=after,
        limit=query.limit,
        criteria=query.criteria,
        newest=query.newest,
    )
    cursor = write_list_cursor(context, name, further, *scope)
    documents = (localized(receipt, language) for receipt in await joined_deliveries(context, receipts))
    return await send_list(request, "receipts", documents, {"cursor": cursor, "more": more}, answer_headers(language))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptQuery:
    """A publisher's query: filter, order, the text of the cursor, and the page size."""

    criteria: ReceiptFilter
    newest: bool
    cursor: str | None
    limit: int
    platforms: frozenset[str] = frozenset()

    @property
    def scope(self) -> tuple[Any, ...]:
        """Filter and order as values, equal for equal queries."""
        criteria = self.criteria
        if criteria == ALL and not self.newest:
            return ()
        return (
            sorted(criteria.verdicts),
            criteria.problems,
            criteria.offer_id,
            criteria.upload,
            criteria.since,
            self.newest,
        )


def read_receipt_query(given: MultiMapping[str], *, most: int, any_platform: bool = False) -> ReceiptQuery:
    """Parse the query string; ``any_platform`` takes the parameter ``platform`` too. Raises ProblemError."""
    with Parameters(given, (*PAGING, *_FILTERS, *(("platform",) if any_platform else ()))) as parameters:
        platforms = parameters.several("platform", is_slug, "bretagne") if any_platform else frozenset()
        verdicts = parameters.several("verdict", VERDICTS.__contains__, ", ".join(VERDICTS))
        problems = parameters.flag("problems")
        offer_id = parameters.one("id", lambda text: valid(text, is_offer_id(text)), "bretagne:2027-0001")
        batch = parameters.one(BATCH, lambda text: valid(text, is_upload_id(text, BATCH)), "b…")
        # A receipt belongs to at most one upload: both filters together can match nothing.
        alone = batch is None
        snapshot = parameters.one(
            SNAPSHOT, lambda text: _snapshot(valid(text, alone)), "s…" if alone else "batch | snapshot"
        )
        since = parameters.one("since", instant, "2027-01-15T08:00:00Z")
        order = parameters.choice("order", _ORDERS)
        cursor, limit = paging(parameters, most)
    criteria = ReceiptFilter(
        verdicts=verdicts,
        problems=problems,
        offer_id=offer_id,
        upload=batch or snapshot,
        since=since,
    )
    return ReceiptQuery(criteria=criteria, newest=order == "newest", cursor=cursor, limit=limit, platforms=platforms)


def _snapshot(text: str) -> str:
    """The id of a snapshot, given as such or by the snapshot's mark."""
    return text if is_upload_id(text, SNAPSHOT) else snapshot_id(valid(text, _MARK.fullmatch(text) is not None))


def localized(receipt: Receipt, language: Language) -> Receipt:
    """The receipt with its problems, and those of its delivery, in one language."""
    problems = [schemas.localized(problem, language) for problem in receipt.get("problems", ())]
    receipt = {**receipt, "problems": problems} if problems else receipt
    if "delivery" not in receipt:
        return receipt
    parts = [localized(part, language) for part in receipt["delivery"]["parts"]]
    return {**receipt, "delivery": {**receipt["delivery"], "parts": parts}}


async def joined_deliveries(context: Context, receipts: Sequence[Receipt]) -> list[Receipt]:
    """The receipts, each with the delivery of its offer at the national site, if there is one (RCP-006). Only of a
    publisher's own offers: an inbox message that names another platform's offer has a receipt too.
    """
    own = [_is_own(receipt) for receipt in receipts]
    wanted = {receipt["id"] for receipt, is_own in zip(receipts, own, strict=True) if is_own}
    found = await context.federation.deliveries.find(sorted(wanted))
    deliveries = {offer_id: publisher_delivery(delivery) for offer_id, delivery in found.items()}
    return [
        {**receipt, "delivery": deliveries[receipt["id"]]} if is_own and receipt["id"] in deliveries else receipt
        for receipt, is_own in zip(receipts, own, strict=True)
    ]


def _is_own(receipt: Receipt) -> bool:
    """Whether a receipt is about an offer of the platform that it concerns."""
    return "id" in receipt and receipt.get("publisher") in {GATEWAY, platform_of(receipt["id"])}


def publisher_delivery(delivery: Delivery) -> dict[str, Any]:
    """A delivery for its publisher: the current state of each part, without the connector's internal members."""
    document = delivery_document(replace(delivery, parts=delivery.current()))
    parts = [{name: part[name] for name in part if name not in _INTERNAL_MEMBERS} for part in document["parts"]]
    return {"sequence": delivery.sequence, "parts": parts}


async def find_receipt(context: Context, receipt_id: str, publisher: str) -> Receipt:
    """The receipt; ``pending`` while the relay may still decide it. Raises ProblemError, the same for a forged id and
    for another publisher's.
    """
    receipt = await context.federation.receipts.find(receipt_id, publisher)
    if receipt is not None:
        return receipt
    minted = context.federation.ids.read(receipt_id, publisher=publisher)
    if minted is None or await _must_be_decided(context, *minted):
        receipt = await context.federation.receipts.find(receipt_id, publisher)
        if receipt is None:
            raise ProblemError("not-found")
        return receipt
    return {"receipt": receipt_id, "verdict": "pending"}


async def _must_be_decided(context: Context, partition: int, minted: int) -> bool:
    """Whether an id is at least ten minutes old and the relay, then this view, have read to the end (RCP-005). A
    positive result is checked again after a pause: a broker that was suspended may return end offsets that precede the
    id's submission.
    """
    age = context.federation.clock() - minted  # below -CLOCKS_MS: the clock was ahead when the id was minted
    if -CLOCKS_MS < age < _PENDING_MS or not await _at_end(context, partition):
        return False
    await asyncio.sleep(_RECHECK_SECONDS)
    return await _at_end(context, partition)


async def _at_end(context: Context, partition: int) -> bool:
    """Whether the relay has read a partition to its end, and this view the receipts of it."""
    submissions = await end_of(context.federation.log, SUBMISSIONS, partition)
    if not await context.federation.positions.reached(SUBMISSIONS, submissions, timeout=_REACHED_SECONDS):
        return False
    return await context.federation.receipts.reached(
        await end_of(context.federation.log, RECEIPTS, partition), _REACHED_SECONDS
    )


def answer_headers(language: Language) -> dict[str, str]:
    """The headers of receipts in one language."""
    return {**PRIVATE, hdrs.CONTENT_LANGUAGE: language, hdrs.VARY: f"{hdrs.AUTHORIZATION}, {hdrs.ACCEPT_LANGUAGE}"}


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/receipts", list_receipts),
    web.get("/v1/receipts/{receipt}", get_receipt),
)
