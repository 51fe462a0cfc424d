"""Authentication by bearer token; authorisation by the scopes of the route, closed by default, and by certificate.

Certificates are required for publishing from a set day on, and that day is announced before (CER-001, CER-003).
"""

from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

import schemas
from gateway.api.context import PARTNER, SCOPES, context_of, federation_of, partner_of
from gateway.api.problem import ProblemError
from gateway.errors import TokenError
from gateway.partners.revocation import Claims
from gateway.protocol.certificate import certificate_problem, notice_of
from gateway.protocol.partner import Partner, Scope

_REALM = 'Bearer realm="passerelle"'
_MARK = "opening_scopes"
_PUBLIC = "public"
REQUIRED_FROM = "Certificate-Required-From"


def requires(*scopes: Scope) -> Callable[[Handler], Handler]:
    """Open a handler to partners with one of these scopes, both in the token and in the partner's record."""
    return lambda handler: _marked(handler, *scopes)


def public(handler: Handler) -> Handler:
    """Open a handler to every client; the request has no partner."""
    return _marked(handler, _PUBLIC)


def scopes_of(handler: Any) -> tuple[str, ...]:
    """The scopes that each open a handler; ``public`` for an open handler, empty for one that is not marked."""
    marks: tuple[str, ...] = getattr(handler, _MARK, ())
    return marks


async def authenticate(request: web.Request) -> Partner | None:
    """The partner, also set on the request with its scopes; None for a public handler, or if no route matches. Raises
    ProblemError: 401 without a valid token, 403 without the scope (SEC-001).
    """
    if request.match_info.http_exception is not None:
        return None
    opening = scopes_of(request.match_info.handler)
    if _PUBLIC in opening:
        return None
    claims, partner = await _identify(request)
    scopes = claims.scopes & partner.scopes
    request[PARTNER], request[SCOPES] = partner, scopes
    if scopes.isdisjoint(opening):
        raise scope_missing(*opening)
    return partner


def scope_missing(*opening: str) -> ProblemError:
    """The problem of a request that only these scopes open, each by itself."""
    challenge = f'{_REALM}, error="insufficient_scope", scope="{" ".join(opening)}"'
    return ProblemError("scope-missing", headers={hdrs.WWW_AUTHENTICATE: challenge}, expected=", ".join(opening))


async def _identify(request: web.Request) -> tuple[Claims, Partner]:
    kind, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise ProblemError("token-missing", headers={hdrs.WWW_AUTHENTICATE: _REALM})
    context = context_of(request)
    try:
        claims = await context.verifier.verify(token.strip())
    except TokenError:
        raise _invalid_token() from None
    partner = context.federation.partners.get(claims.platform)
    if partner is None or partner.revoked:
        raise _invalid_token()
    return claims, partner


def _invalid_token() -> ProblemError:
    return ProblemError("token-invalid", headers={hdrs.WWW_AUTHENTICATE: f'{_REALM}, error="invalid_token"'})


def _marked(handler: Handler, *marks: str) -> Handler:
    setattr(handler, _MARK, marks)  # read back by the middleware
    return handler


def publishing_problem(request: web.Request) -> schemas.Problem | None:
    """The reason why this partner may not publish now, withdrawals apart; None if it may."""
    federation = federation_of(request)
    return certificate_problem(
        partner_of(request).certificates, required=federation.terms.require_certificate, now=federation.clock()
    )


def refuse_uncertified(request: web.Request) -> None:
    """Raise ProblemError if this partner may not publish now."""
    problem = publishing_problem(request)
    if problem is not None:
        raise ProblemError(problem.code, expected=problem.expected)


def set_certificate_header(request: web.Request, response: web.StreamResponse) -> None:
    """Announce the day from which a publisher is refused, on answers to its submissions, while it can be avoided."""
    federation = federation_of(request)
    if federation.terms.require_certificate is None or PARTNER not in request or request.method == hdrs.METH_GET:
        return
    if "offers:publish" in scopes_of(request.match_info.handler):
        certificates = partner_of(request).certificates
        day = notice_of(certificates, required=federation.terms.require_certificate, now=federation.clock())
        if day is not None:
            response.headers[REQUIRED_FROM] = day.isoformat()
