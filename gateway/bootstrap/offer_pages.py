"""Offers as pages need them: searched by text, and one with its history, for its platform and for an operator."""

import re
import unicodedata
from collections.abc import Sequence

from gateway.bootstrap.parts import Parts
from gateway.pages.partner.port import HistoryFacts, OfferPage
from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import Filter, Reader
from gateway.store import OfferView
from gateway.store.receipt_search import ReceiptFilter

_LISTED = 50
_AT_ONCE = 500
_RECEIPTS = 200
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Combining marks."""


async def search_offers(
    offers: OfferView, platforms: Sequence[str], query: str, after: str | None, *, most: int
) -> OfferPage:
    """Live offers of these platforms whose title, town or id has the text; the offer with this very id first, live or
    not. ``after`` is where an earlier page ended: the platform and the log offset. At most about ``most`` are examined.
    """
    wanted = _folded(query)
    found: list[OfferState] = []
    exact = await _exact(offers, platforms, query) if after is None else None
    first, _, start = (after or "").rpartition(":")
    following: str | None = start or None
    examined = 0
    remaining = list(platforms[platforms.index(first) :] if first else platforms)
    while remaining and len(found) < _LISTED and examined < most:
        slug = remaining[0]
        limit = _AT_ONCE if wanted else _LISTED - len(found)
        states, following = await offers.page(
            reader=Reader(slug), asked=Filter(platform=frozenset({slug})), after=following, limit=limit, own=True
        )
        examined += len(states)
        found += [state for state in states if not wanted or wanted in _folded(_text(state))]
        if following is None:
            del remaining[0]
    others = [state for state in found if exact is None or state.id != exact.id]
    further = f"{remaining[0]}:{following or ''}" if remaining else None
    return OfferPage(offers=[*([exact] if exact else []), *others], examined=examined, further=further)


async def offer_history(parts: Parts, offer_id: str, *, duplicates_for: Reader | None) -> HistoryFacts | None:
    """The history of an offer, from the receipts that its platform may read; None where nothing is known of it. Its
    possible duplicates are those that a reader may see.
    """
    state = await parts.offers.get(offer_id)
    receipts, _, more = await parts.receipts.page(
        platform_of(offer_id), after=None, limit=_RECEIPTS, asked=ReceiptFilter(offer_id=offer_id), newest=True
    )
    if state is None and not receipts:
        return None
    alike = {} if duplicates_for is None else await parts.offers.possible_duplicates([offer_id], reader=duplicates_for)
    return HistoryFacts(
        state=state,
        receipts=receipts[::-1],
        delivery=await parts.deliveries.get(offer_id),
        duplicates=alike.get(offer_id, ()),
        more=more,
    )


async def _exact(offers: OfferView, platforms: Sequence[str], query: str) -> OfferState | None:
    """The offer with this id; with one platform, its part after the colon is enough."""
    offer_id = f"{platforms[0]}:{query}" if ":" not in query and len(platforms) == 1 else query
    known = is_offer_id(offer_id) and platform_of(offer_id) in platforms
    return await offers.get(offer_id) if known else None


def _text(state: OfferState) -> str:
    offer = state.offer or {}
    return " ".join((state.id, offer.get("title", ""), offer.get("location", {}).get("city", "")))


def _folded(text: str) -> str:
    """The text without accents and capitals."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold()
