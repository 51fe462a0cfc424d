"""Offer ids in addresses: decoded once from the bytes of the request line, by the same rule for every method."""

from urllib.parse import unquote_to_bytes

from aiohttp import web

from gateway.api.context import partner_of
from gateway.api.problem import ProblemError
from gateway.protocol.identity import is_offer_id, platform_of
from schemas.spoken import Spoken

_CANONICAL = Spoken("{platform}:{local_id}", "{plateforme}:{identifiant}")
_SEGMENT = 3
"""``/v1/offers/{id}``: the id is the third segment of the path."""


def offer_id_of(request: web.Request) -> str:
    """The id in the path, percent-decoded once. Raises ProblemError (400) for anything but a canonical id: ``%2F``,
    ``%00``, ``%253A``, bytes outside ASCII and dot segments never reach the protocol (IDN-005).
    """
    segments = request.rel_url.raw_path.split("/")
    sent = segments[_SEGMENT] if len(segments) > _SEGMENT else ""
    text = unquote_to_bytes(sent).decode("ascii", "replace")
    if not is_offer_id(text):
        raise ProblemError("id-in-path", expected=_CANONICAL)
    return text


def own_offer_id_of(request: web.Request) -> str:
    """As ``offer_id_of``, for an offer of the partner's own: 403 for another platform's, known or not (IDN-003)."""
    offer_id = offer_id_of(request)
    platform = partner_of(request).platform
    if platform_of(offer_id) != platform:
        raise ProblemError("not-owner", status=403, pointer="/id", expected=f"{platform}:…", actual=offer_id)
    return offer_id
