"""State shared by the handlers: one frozen context per application, one partner per request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aiohttp import hdrs, web

from gateway.federation import Federation
from gateway.operate.certification import Issuer
from gateway.partners.revocation import TokenVerifier
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.rendering import Rendering
from gateway.protocol.seal import Seal
from gateway.runtime.proxies import Proxies
from schemas.rulebook import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every limit of the API, on by default; sizes in bytes, times in seconds (see ``docs/install.md``)."""

    offer_bytes: int = 100_000
    array_bytes: int = 64 * 1024 * 1024
    upload_items: int = 3_000_000
    spool_bytes: int = 6 * 1024 * 1024 * 1024
    inflate_ratio: int = 200
    requests_per_minute: int = 6_000
    read_seconds: float = 30.0
    upload_seconds: float = 900.0
    upload_processor_seconds: float = 600.0
    processor_percent: int = 50
    uploads_at_once: int = 16
    uploads_waiting: int = 64
    exports_at_once: int = 4
    page_items: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The components that the composition root passes to the API."""

    federation: Federation
    verifier: TokenVerifier
    cursors: Seal
    limits: Limits
    spool: Path
    renderings: Mapping[str, Rendering]
    """The formats of an export, each by its name in the address."""
    issuer: Issuer
    """Signs certificates."""
    link_url: Callable[[str, Language], str] | None
    """The address of a sign-in link with a sealed text; None where browsers keep no session of this gateway."""
    mails: bool = False
    """Whether the gateway sends notices."""


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
PROXIES: web.AppKey[Proxies] = web.AppKey("proxies", Proxies)
"""The reverse proxies whose ``X-Forwarded-For`` is accepted; set by the composition root, none without it."""
_NO_PROXIES = Proxies()
PARTNER: web.RequestKey[Partner] = web.RequestKey("partner", Partner)
"""Set by ``authenticate`` on every request that is not public."""
SCOPES: web.RequestKey[frozenset[str]] = web.RequestKey("scopes", frozenset)
"""The scopes of this request: those that both its token and its partner's record have."""


def context_of(request: web.Request) -> Context:
    """The application's context."""
    return request.app[CONTEXT]


def federation_of(request: web.Request) -> Federation:
    """The federation that the application serves."""
    return request.app[CONTEXT].federation


def partner_of(request: web.Request) -> Partner:
    """The authenticated partner of this request."""
    return request[PARTNER]


def client_of(request: web.Request) -> str:
    """The network address of this request's client, behind the named proxies; empty if unknown."""
    proxies = request.app.get(PROXIES, _NO_PROXIES)
    return proxies.client(request.remote, request.headers.getall(hdrs.X_FORWARDED_FOR, ()))


def today(federation: Federation) -> date:
    """The day of receipt in Europe/Paris, on which verdicts are based."""
    return date.fromisoformat(paris_date(federation.clock()))
