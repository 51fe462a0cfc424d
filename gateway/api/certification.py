"""Certificates over HTTP: required for publishing from a set day on, announced before (CER-001, CER-003)."""

from aiohttp import hdrs, web

import schemas
from gateway.api.auth import scopes_of
from gateway.api.context import PARTNER, context_of, partner_of
from gateway.api.problem import ProblemError
from gateway.protocol.certificate import certificate_problem, notice_of

REQUIRED_FROM = "Certificate-Required-From"


def publishing_problem(request: web.Request) -> schemas.Problem | None:
    """The reason why this partner may not publish now, withdrawals apart; None if it may."""
    context = context_of(request)
    return certificate_problem(
        partner_of(request).certificates, required=context.require_certificate, now=context.clock()
    )


def refuse_uncertified(request: web.Request) -> None:
    """Raise ProblemError if this partner may not publish now."""
    problem = publishing_problem(request)
    if problem is not None:
        raise ProblemError(problem.code, expected=problem.expected)


def set_certificate_header(request: web.Request, response: web.StreamResponse) -> None:
    """Announce the day from which a publisher is refused, on answers to its submissions, while it can be avoided."""
    context = context_of(request)
    if context.require_certificate is None or PARTNER not in request or request.method == hdrs.METH_GET:
        return
    if "offers:publish" in scopes_of(request.match_info.handler):
        certificates = partner_of(request).certificates
        day = notice_of(certificates, required=context.require_certificate, now=context.clock())
        if day is not None:
            response.headers[REQUIRED_FROM] = day.isoformat()
