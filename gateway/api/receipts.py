"""Receipts over HTTP: one's own outcomes, by id and in order (requirements RCP-*)."""

from collections.abc import Sequence
from typing import Any

from aiohttp import hdrs, web

import schemas
from gateway.api.answer import PRIVATE, read_bookmark, send_json, send_list, write_bookmark
from gateway.api.auth import requires
from gateway.api.context import Context, context_of, partner_of
from gateway.api.parameter import refuse_parameters
from gateway.api.problem import Language, ProblemError, language_of
from gateway.api.query import read_paging
from gateway.protocol.topic import RECEIPTS, SUBMISSIONS

_PENDING_MS = 600_000
_PASSED_SECONDS = 2.0

Receipt = dict[str, Any]


@requires("offers:publish")
async def get_receipt(request: web.Request) -> web.StreamResponse:
    """``GET /v1/receipts/{receipt}``."""
    refuse_parameters(request.query)
    language = language_of(request)
    receipt = await _receipt(context_of(request), request.match_info["receipt"], partner_of(request).platform)
    return send_json(localized(receipt, language), _headers(language))


@requires("offers:publish")
async def list_receipts(request: web.Request) -> web.StreamResponse:
    """``GET /v1/receipts``."""
    context, publisher, language = context_of(request), partner_of(request).platform, language_of(request)
    text, limit = read_paging(request.query, most=context.limits.page_items)
    after = read_bookmark(context, "receipts", text, publisher, context.identity)
    receipts, further, more = await context.receipts.page(publisher, after=after, limit=limit)
    cursor = write_bookmark(context, "receipts", further, publisher, context.identity)
    shown = (localized(receipt, language) for receipt in receipts)
    return await send_list(request, "receipts", shown, {"cursor": cursor, "more": more}, _headers(language))


def localized(receipt: Receipt, language: Language) -> Receipt:
    """The receipt with its problems in one language."""
    problems = [schemas.localized(problem, language) for problem in receipt.get("problems", ())]
    return {**receipt, "problems": problems} if problems else receipt


async def _receipt(context: Context, receipt_id: str, publisher: str) -> Receipt:
    """The outcome; ``pending`` while the relay may still come to it. Forged and another's ids are told alike."""
    receipt = await context.receipts.find(receipt_id, publisher)
    if receipt is not None:
        return receipt
    minted = context.receipt_ids.read(receipt_id, publisher=publisher)
    if minted is None or await _passed(context, *minted):
        receipt = await context.receipts.find(receipt_id, publisher)
        if receipt is None:
            raise ProblemError("not-found")
        return receipt
    return {"receipt": receipt_id, "verdict": "pending"}


async def _passed(context: Context, partition: int, minted: int) -> bool:
    """Whether the relay, and then this view, have gone ten minutes beyond the minting of an id (RCP-005)."""
    if context.clock() < minted + _PENDING_MS:
        return False
    submissions = _only(partition, await context.log.ends(SUBMISSIONS))
    if not await context.positions.reached(SUBMISSIONS, submissions, timeout=_PASSED_SECONDS):
        return False
    return await context.receipts.reached(_only(partition, await context.log.ends(RECEIPTS)), _PASSED_SECONDS)


def _only(partition: int, ends: Sequence[int]) -> tuple[int, ...]:
    return tuple(end if number == partition else 0 for number, end in enumerate(ends))


def _headers(language: Language) -> dict[str, str]:
    return {**PRIVATE, hdrs.CONTENT_LANGUAGE: language, hdrs.VARY: f"{hdrs.AUTHORIZATION}, {hdrs.ACCEPT_LANGUAGE}"}


ROUTES: Sequence[web.RouteDef] = (
    web.get("/v1/receipts", list_receipts),
    web.get("/v1/receipts/{receipt}", get_receipt),
)
