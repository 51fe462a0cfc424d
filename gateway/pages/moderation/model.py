"""View model of any offer: its content in words, and what an operator may do about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from gateway.federation.moderation import OfferFacts
from gateway.operate.moderation import Action
from gateway.pages.partner.content import offer_rows
from gateway.pages.partner.history import standing
from gateway.protocol.identity import platform_of
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import audiences
from schemas.rulebook import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratedOffer:
    """The page of one offer. ``rows``: its content, as labels and texts; ``document``: the same
    as JSON; ``standing``: as in its history; ``action``: what an operator may do, None where only receipts are left.
    """

    id: str
    platform: str
    audiences: Sequence[str]
    title: str | None
    state: OfferState | None
    standing: str | None
    action: Action | None
    rows: Sequence[tuple[str, str]]
    document: str | None


def offer_view(offer_id: str, facts: OfferFacts, language: Language) -> ModeratedOffer:
    """The page of one offer in a language."""
    state = facts.history.state
    offer = None if state is None else state.offer
    document = None if offer is None else orjson.dumps(offer, option=orjson.OPT_INDENT_2).decode()
    return ModeratedOffer(
        id=offer_id,
        platform=platform_of(offer_id),
        audiences=() if offer is None else sorted(audiences(offer)),
        title=None if offer is None else str(offer["title"]),
        state=state,
        standing=standing(facts.history),
        action=None if state is None else "lift" if state.known.reason == "moderated" else "moderate",
        rows=[] if offer is None else offer_rows(offer, language),
        document=document,
    )
