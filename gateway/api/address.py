"""Offer ids in addresses: taken from the bytes of the request line, because a decoded path hides what was sent."""

from aiohttp import web

from gateway.api.context import partner_of
from gateway.api.problem import ProblemError
from gateway.protocol.identity import is_offer_id, platform_of

_CANONICAL = "{platform}:{local_id}"
_COLONS = ("%3A", "%3a")
_SEGMENT = 3
"""``/v1/offers/{id}``: the id is the third segment of the path."""


def offer_id_of(request: web.Request) -> str:
    """The id that the address names. Raises ProblemError (400) for anything but its canonical form, in which only the
    colon may be percent-encoded: ``%2f``, ``%00`` and dots that climb never reach the protocol (IDN-001).
    """
    path = request.raw_path.partition("?")[0]
    segments = path.split("/")
    text = segments[_SEGMENT] if len(segments) > _SEGMENT else ""
    for colon in _COLONS:
        text = text.replace(colon, ":", 1)
    if not path.startswith("/v1/offers/") or not is_offer_id(text):
        raise ProblemError("id-in-path", expected=_CANONICAL)
    return text


def own_offer_id_of(request: web.Request) -> str:
    """The same, for an offer that must be the partner's own: 403 for another platform's, known or not (IDN-003)."""
    offer_id = offer_id_of(request)
    platform = partner_of(request).platform
    if platform_of(offer_id) != platform:
        raise ProblemError("not-owner", status=403, pointer="/id", expected=f"{platform}:…", actual=offer_id)
    return offer_id
