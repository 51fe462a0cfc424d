"""Any offer for an operator: its history with the acts about it, and its moderation."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.federation.federation import Federation
from gateway.federation.journal import SignedEntry, acts_about
from gateway.federation.offers import HistoryFacts, offer_history
from gateway.log.positions import end_of
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.moderation import Action, moderate
from gateway.protocol.identity import partition_of
from gateway.protocol.journal import ActName
from gateway.protocol.submission import Lift, Retire
from gateway.protocol.topic import OFFERS
from gateway.runtime.loop import Wait
from gateway.store.search.search import OUTSIDER

_CATCH_UP_SECONDS = 10.0
_LISTED = 20
_ACTS: frozenset[ActName] = frozenset({"offer.moderate", "offer.lift"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """One offer: its history, and the acts of operators about it, newest first."""

    history: HistoryFacts
    acts: Sequence[SignedEntry]


async def offer_facts(federation: Federation, offer_id: str) -> OfferFacts | None:
    """An offer of any platform; None where nothing is known of it."""
    history = await offer_history(federation, offer_id, duplicates_for=OUTSIDER)
    if history is None:
        return None
    return OfferFacts(history=history, acts=await acts_about(federation, offer_id, _ACTS, most=_LISTED))


async def moderate_offer(
    federation: Federation, desk: Desk, action: Action, offer_id: str, *, wait: Wait, seen: int | None = None
) -> Retire | Lift:
    """As ``moderate``, of an offer as it is once the view has applied every change that was decided before: an offer
    just accepted is known, at its latest revision. Any newer change prevails (WDR-006). Raises as it does.
    """
    end = await end_of(federation.log, OFFERS, partition_of(offer_id, federation.log.partitions))
    if not await wait(federation.offers.reached(end, _CATCH_UP_SECONDS), otherwise=False):
        raise RefusedActError("view-behind", "The view of offers is behind the log.")
    state = await federation.offers.get(offer_id)
    known = None if state is None else state.known
    return await moderate(
        desk, action, offer_id, known, submissions=federation.submissions, ids=federation.ids, seen=seen
    )
