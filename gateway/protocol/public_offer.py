"""Offers in public: which offers everybody may see, and what of them (RTE-015, RTE-016). Pure.

Two keys open an offer: the agreement of its platform, and the offer itself. Both are read when somebody asks for it, so
that the end of either hides it at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.protocol.identity import NATIONAL, platform_of
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import wished_audiences
from schemas.masking import in_public

_EVERY_AUDIENCE = 2


def is_open(offer: Mapping[str, Any], provenance: Sequence[str]) -> bool:
    """Whether a live offer may be public once its platform agrees: every audience is allowed, its employer is not
    masked, it has no restriction, and it has not passed the national site.
    """
    return (
        len(wished_audiences(offer)) == _EVERY_AUDIENCE
        and not offer.get("redistribution", {}).get("mask_employer", False)
        and not any(offer.get("restrictions", {}).values())
        and NATIONAL not in provenance
    )


def public_platforms(partners: Iterable[Partner], *, now: int) -> frozenset[str]:
    """The platforms whose agreement has begun, at an instant in ms: revoked ones never."""
    today = paris_date(now)
    return frozenset(
        one.platform
        for one in partners
        if one.public is not None and one.public.since <= today and not one.revoked and one.platform != NATIONAL
    )


def public_offer(state: OfferState, *, platforms: frozenset[str]) -> dict[str, Any] | None:
    """The offer as everybody may see it (schema ``public-offer``); None where it needs an account."""
    platform = platform_of(state.id)
    if state.offer is None or state.territory is None or platform not in platforms:
        return None
    if not is_open(state.offer, state.known.provenance):
        return None
    return in_public(state.offer) | {"platform": platform, "department": state.territory["department"]}
