"""Authentication: who is asking, by bearer token, and whether they were given the route's scope. Closed by default."""

from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.api.context import PARTNER, context_of
from gateway.api.problem import ProblemError
from gateway.ports import Claims, TokenError
from gateway.protocol.partner import Partner, Scope

_REALM = 'Bearer realm="passerelle"'
_MARK = "required_scope"
_PUBLIC = "public"


def requires(scope: Scope) -> Callable[[Handler], Handler]:
    """Only partners who have this scope, in their token and in their record, reach the handler."""
    return lambda handler: _marked(handler, scope)


def public(handler: Handler) -> Handler:
    """Anybody reaches the handler; the request has no partner."""
    return _marked(handler, _PUBLIC)


def scope_of(handler: Any) -> str | None:
    """The scope that a handler requires, ``public``, or None when its author forgot to say."""
    mark: str | None = getattr(handler, _MARK, None)
    return mark


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the partner on the request, or refuse: 401 without a proof of identity, 403 without the scope (SEC-001)."""
    if request.match_info.http_exception is not None:
        return await handler(request)
    scope = scope_of(request.match_info.handler)
    if scope == _PUBLIC:
        return await handler(request)
    claims, partner = await _identify(request)
    request[PARTNER] = partner
    if scope is None or scope not in claims.scopes or scope not in partner.scopes:
        challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
        raise ProblemError("scope-missing", headers={hdrs.WWW_AUTHENTICATE: challenge}, expected=scope)
    return await handler(request)


async def _identify(request: web.Request) -> tuple[Claims, Partner]:
    kind, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise ProblemError("token-missing", headers={hdrs.WWW_AUTHENTICATE: _REALM})
    context = context_of(request)
    try:
        claims = await context.verifier.verify(token.strip())
    except TokenError:
        raise _unproved() from None
    partner = context.partners.get(claims.platform)
    if partner is None or partner.revoked:
        raise _unproved()
    return claims, partner


def _unproved() -> ProblemError:
    return ProblemError("token-invalid", headers={hdrs.WWW_AUTHENTICATE: f'{_REALM}, error="invalid_token"'})


def _marked(handler: Handler, mark: str) -> Handler:
    handler.required_scope = mark  # type: ignore[attr-defined]  # read back by the middleware
    return handler
