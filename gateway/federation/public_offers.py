"""Offers in public: those of platforms that agree, with the members of the schema ``public-offer``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.federation.federation import Federation
from gateway.operate.desk import alter_partner
from gateway.partners.onboarding import PartnerInput
from gateway.protocol.identity import is_offer_id
from gateway.protocol.journal import Actor
from gateway.protocol.public_offer import public_offer, public_platforms
from gateway.store.offer_search import OfferSearch
from gateway.store.offers import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPage:
    """Some of the offers that were found, newest first or as asked; how many there are; their numbers by facet."""

    offers: Sequence[Mapping[str, Any]]
    total: int
    counts: Mapping[str, Mapping[str, int]]


def agreeing_platforms(federation: Federation) -> frozenset[str]:
    """The platforms whose offers everybody may see now."""
    return public_platforms(federation.partners.all(), now=federation.clock())


async def find_public_offers(federation: Federation, search: OfferSearch, step: Step) -> PublicPage:
    """The offers that a visitor searches for, of the platforms that agree when the search has ended. ``step`` runs a
    part of it.
    """
    while platforms := agreeing_platforms(federation):
        narrowed = replace(search, criteria=replace(search.criteria, platform=platforms))
        found = await federation.offers.search(narrowed, step)
        if platforms == agreeing_platforms(federation):
            readable = [public_offer(state, platforms=platforms) for state in found.states]
            offers = [one for one in readable if one is not None]
            return PublicPage(offers=offers, total=found.total, counts=found.counts)
    return PublicPage(offers=(), total=0, counts={})


async def get_public_offer(federation: Federation, offer_id: str) -> Mapping[str, Any] | None:
    """One offer; None for whatever needs an account, and for an offer that never was."""
    if not is_offer_id(offer_id):
        return None
    state = await federation.offers.get(offer_id)
    return None if state is None else public_offer(state, platforms=agreeing_platforms(federation))


async def end_public_offers(federation: Federation, platform: str, *, by: Actor) -> None:
    """End the agreement of a platform at once: its own act, with its entry in the journal. Raises RefusedActError,
    ChangeConflictError, LogError.
    """
    await alter_partner(federation.desk(by), platform, PartnerInput(without_public=True))
