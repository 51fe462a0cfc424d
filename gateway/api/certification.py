"""Certificates over HTTP: from a day on nobody publishes without one; until then, answers say so (CER-001, CER-003)."""

from aiohttp import hdrs, web

import schemas
from gateway.api.auth import scopes_of
from gateway.api.context import PARTNER, context_of, partner_of
from gateway.api.problem import ProblemError
from gateway.protocol.certificate import lack_of_certificate, notice_of

REQUIRED_FROM = "Certificate-Required-From"


def lack_of(request: web.Request) -> schemas.Problem | None:
    """Why this partner may not publish now, withdrawals apart; None where it may."""
    context = context_of(request)
    return lack_of_certificate(
        partner_of(request).certificates, required=context.require_certificate, now=context.clock()
    )


def refuse_uncertified(request: web.Request) -> None:
    """Raise ProblemError where this partner may not publish now."""
    lack = lack_of(request)
    if lack is not None:
        raise ProblemError(lack.code, expected=lack.expected)


def tell_certificate(request: web.Request, response: web.StreamResponse) -> None:
    """Say on answers to what a publisher sends from which day it is refused, while that can still be mended."""
    context = context_of(request)
    if context.require_certificate is None or PARTNER not in request or request.method == hdrs.METH_GET:
        return
    if "offers:publish" in scopes_of(request.match_info.handler):
        kept = partner_of(request).certificates
        day = notice_of(kept, required=context.require_certificate, now=context.clock())
        if day is not None:
            response.headers[REQUIRED_FROM] = day.isoformat()
