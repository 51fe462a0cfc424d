"""Moderated offers as pages need them: from the receipts that their platform may read, never from the journal."""

from gateway.federation import Federation
from gateway.pages.partner.port import ModerationFacts
from gateway.store.receipt_search import ReceiptFilter

MOST = 10
"""Offers, the newest moderations first."""
_MODERATIONS, _RECEIPTS = 50, 50
_ACCEPTED = frozenset({"accepted"})


async def moderated_offers(federation: Federation, platform: str) -> tuple[ModerationFacts, ...]:
    """The offers of a platform with a moderation, or the end of one, in the receipts of thirty days: by an index of
    those receipts, so that the cost does not depend on the platform's other receipts.
    """
    wanted = ReceiptFilter(verdicts=_ACCEPTED, moderation=True)
    named, _, _ = await federation.receipts.page(platform, after=None, limit=_MODERATIONS, asked=wanted, newest=True)
    found = []
    for offer_id in list(dict.fromkeys(str(one["id"]) for one in named))[:MOST]:
        own = ReceiptFilter(verdicts=_ACCEPTED, offer_id=offer_id)
        later, _, _ = await federation.receipts.page(platform, after=None, limit=_RECEIPTS, asked=own, newest=True)
        receipts = {one["receipt"]: one for one in (*named, *later) if one["id"] == offer_id}
        ordered = sorted(receipts.values(), key=lambda one: int(one["sequence"]))
        found.append(ModerationFacts(id=offer_id, state=await federation.offers.get(offer_id), receipts=ordered))
    return tuple(found)
