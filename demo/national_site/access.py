"""Access to the simulated site: logins, tokens, and the rate limit per clock minute."""

import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from demo.national_site.framework import SiteReply, answer, refuse
from demo.national_site.rules import RULES
from demo.national_site.stock import Operator, Stock

DAY = 24 * 3_600_000
_MINUTE = 60_000
_BEARER = "Bearer "
_TOO_MANY = "Trop de requêtes - Limite d'utilisation de l'API dépassée."
_TOO_MANY_LOGINS = "Trop de requêtes : cette adresse a atteint sa limite."
_REDIRECTS = {
    "all": ("login.maintenance", "/maintenance.html"),
    "holidays": ("login.holidays", "/maintenance_estivale.html"),
}


class Access:
    """Tokens and call counts. ``counted``: calls by account, service and clock minute, including refused ones."""

    def __init__(self, stock: Stock, *, limit: int) -> None:
        self.counted: Counter[tuple[str, str, int]] = Counter()
        self._logins: Counter[tuple[str, int]] = Counter()
        self._stock = stock
        self._limit = limit
        self._key = OctKey.import_key(secrets.token_bytes(32))

    def login(self, request: web.Request, params: Mapping[str, Any], now: int) -> SiteReply | web.Response:
        """A token for e-mail and password; the checks of the site's pages (maintenance, IP rate) come first."""
        maintenance = self._stock.unknown.maintenance
        if maintenance != "none":
            rule, location = _REDIRECTS[maintenance]
            headers = {"Location": location, "X-Simulator-Rules": rule}
            return web.Response(status=RULES[rule].status or 0, headers=headers)
        window = (request.remote or "", now // _MINUTE)
        self._logins[window] += 1
        if self._logins[window] > self._stock.unknown.logins:
            return _refuse_login(request)
        sent = params.get("email"), params.get("password")
        for operator in self._stock.operators:
            if (operator.email, operator.password) == sent and not operator.gone:
                claims = {"user_id": operator.id, "exp": (now + DAY) // 1000}
                return answer("login.done", {"token": jwt.encode({"alg": "HS256"}, claims, self._key)})
        email = sent[0]
        known = isinstance(email, str) and email.lower() in {one.email for one in self._stock.operators}
        cased = known and email != str(email).lower()
        return refuse("login.case" if cased else "login.refused", "Invalid email or password")

    def identify(
        self, request: web.Request, params: Mapping[str, Any], *, now: int, cited: set[str]
    ) -> Operator | SiteReply:
        """The token's account, or the refusal. v1: fixed token; v2: signed token, valid for 24 hours."""
        token = _token_of(request, params, cited)
        if token is None:
            return refuse("token.bearer", "wrong api token", cited)
        if request.match_info.get("version") == "v1":
            cited.add("token.fixed")
            known = (one for one in self._stock.operators if one.v1_token == token and not one.gone)
            return next(known, None) or refuse("token.unknown", "wrong api token", cited)
        cited.add("token.signed")
        return self._read(token, now, cited)

    def is_too_much(self, operator: Operator, service: str, now: int) -> bool:
        """Count one call in its clock minute; returns whether it exceeds the limit."""
        window = (operator.email, service, now // _MINUTE)
        self.counted[window] += 1
        return self.counted[window] > self._limit

    def _read(self, token: str, now: int, cited: set[str]) -> Operator | SiteReply:
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError):
            return refuse("token.unknown", "wrong api token", cited)
        if claims["exp"] * 1000 <= now:
            return refuse("token.expired", "wrong api token", cited)
        operator = self._stock.operators[claims["user_id"] - 1]
        return refuse("token.user-gone", "can't find user with this remote_id", cited) if operator.gone else operator


def refuse_rate(cited: set[str]) -> SiteReply:
    """429 without code and Retry-After."""
    return refuse("rate.limit", _TOO_MANY, cited)


def _refuse_login(request: web.Request) -> SiteReply | web.Response:
    """429 of the site's pages: JSON where Accept names it, else plain text."""
    if "json" in request.headers.get("Accept", ""):
        return refuse("login.ip-limit", _TOO_MANY_LOGINS)
    rule = "login.ip-limit-text"
    headers = {"X-Simulator-Rules": rule}
    return web.Response(status=RULES[rule].status or 0, text=_TOO_MANY_LOGINS, headers=headers)


def _token_of(request: web.Request, params: Mapping[str, Any], cited: set[str]) -> str | None:
    """The token after ``Bearer `` in the header, else in the parameter ``token``; None without one."""
    header, parameter = request.headers.get("Authorization"), params.get("token")
    if header is None:
        cited.add("token.parameter")
    elif parameter is not None:
        cited.add("token.header-first")
    sent = parameter if header is None else header
    pieces = sent.split(_BEARER) if isinstance(sent, str) else []
    return pieces[1] if len(pieces) > 1 and pieces[1] else None
