"""Offers: searched by text, one with its history, and those that were moderated, for a platform and for an operator."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.federation.federation import Federation
from gateway.protocol.delivery import Delivery
from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.record import OfferState
from gateway.protocol.refused_document import RefusedDocument
from gateway.protocol.source_run import SourceRun
from gateway.protocol.visibility import Reader
from gateway.store import OfferView
from gateway.store.offer_search import FoundOffers, OfferSearch
from gateway.store.receipt_search import ReceiptFilter

_RECEIPTS = 200
_REFUSED = 50
_ACCEPTED = frozenset({"accepted"})
_MODERATED = 10
_MODERATIONS, _RECEIPTS_OF_EACH = 50, 50
_VALUES_MS = 30 * 24 * 3_600_000
"""Maximum age of a run whose values are displayed (PUB-003)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFeedItem:
    """A refused item of a pulled feed, as its last run names it: the problems, each with its ``pointer`` and its
    ``actual`` value; those that another item had first are without texts of their own.
    """

    run: SourceRun
    position: str
    problems: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFacts:
    """One offer: its state, None where only receipts are left; its receipts, oldest first; its delivery; the ids of its
    possible duplicates; whether there are older receipts than these; ``refused``: its refusals at the door; and
    ``item``: that of its feed, where the last run refused it.
    """

    state: OfferState | None
    receipts: Sequence[Mapping[str, Any]]
    delivery: Delivery | None
    duplicates: Sequence[str]
    more: bool
    refused: Sequence[RefusedDocument] = ()
    item: RefusedFeedItem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationFacts:
    """An offer that was moderated, or whose moderation ended: its state, None if it has none, and receipts of it,
    oldest first, those of the moderation among them.
    """

    id: str
    state: OfferState | None
    receipts: Sequence[Mapping[str, Any]]


async def find_offers(offers: OfferView, search: OfferSearch, typed: str) -> FoundOffers:
    """Live offers of some platforms; the offer with this very id alone, live or not, where the typed text is one."""
    exact = await _exact(offers, search.criteria.platform, typed)
    return await offers.search(search) if exact is None else FoundOffers(states=[exact], total=1, counts={})


async def offer_history(federation: Federation, offer_id: str, *, duplicates_for: Reader | None) -> HistoryFacts | None:
    """The history of an offer, from the receipts that its platform may read; None where nothing is known of it. Its
    possible duplicates are those that a reader may see.
    """
    state = await federation.offers.get(offer_id)
    receipts, _, more = await federation.receipts.page(
        platform_of(offer_id), after=None, limit=_RECEIPTS, criteria=ReceiptFilter(offer_id=offer_id), newest=True
    )
    refused = await federation.statistics.refused_under(offer_id, most=_REFUSED)
    run = (await federation.runs.last()).get(platform_of(offer_id))
    item = None if run is None else refused_item(run, offer_id, now=federation.clock())
    if state is None and not receipts and not refused and item is None:
        return None
    alike = (
        {} if duplicates_for is None else await federation.offers.possible_duplicates([offer_id], reader=duplicates_for)
    )
    return HistoryFacts(
        state=state,
        receipts=receipts[::-1],
        delivery=await federation.deliveries.get(offer_id),
        duplicates=alike.get(offer_id, ()),
        more=more,
        refused=refused,
        item=item,
    )


def refused_item(run: SourceRun, offer_id: str, *, now: int) -> RefusedFeedItem | None:
    """The item of this id among those that a run names as refused; None if there is none, or the run is too old."""
    if run.ended_at < now - _VALUES_MS:
        return None
    position, found = "", []
    for group in run.problems or run.applied_problems or ():
        first = {**group, "value": group.get("actual")}
        for number, example in enumerate(group.get("examples") or [first]):
            if example.get("id") == offer_id and group["severity"] == "error":
                texts = group if number == 0 else {"code": group["code"]}
                position = str(example["position"])
                found.append({**texts, "pointer": example.get("pointer"), "actual": example.get("value")})
    return RefusedFeedItem(run=run, position=position, problems=found) if found else None


async def titles_of(offers: OfferView, offer_ids: Iterable[str]) -> Mapping[str, str]:
    """The titles of those of some offers that are live."""
    states = [await offers.get(offer_id) for offer_id in dict.fromkeys(offer_ids)]
    return {one.id: str(one.offer["title"]) for one in states if one is not None and one.offer is not None}


async def never_accepted(federation: Federation, platforms: Collection[str], typed: str) -> str | None:
    """The id that a text is, of an offer that no list has because it was refused each time."""
    offer_id = _id_of(platforms, typed)
    if offer_id is None or await offer_history(federation, offer_id, duplicates_for=None) is None:
        return None
    return offer_id


async def _exact(offers: OfferView, platforms: Collection[str], typed: str) -> OfferState | None:
    offer_id = _id_of(platforms, typed)
    return None if offer_id is None else await offers.get(offer_id)


def _id_of(platforms: Collection[str], typed: str) -> str | None:
    """The id that a text is; with one platform, its part after the colon is enough."""
    offer_id = f"{next(iter(platforms))}:{typed}" if ":" not in typed and len(platforms) == 1 else typed
    return offer_id if is_offer_id(offer_id) and platform_of(offer_id) in platforms else None


async def moderated_offers(federation: Federation, platform: str) -> tuple[ModerationFacts, ...]:
    """The newest offers of a platform with a moderation, or the end of one, in the receipts of thirty days: by an index
    of those receipts, so that the cost does not depend on the platform's other receipts.
    """
    wanted = ReceiptFilter(verdicts=_ACCEPTED, moderation=True)
    named, _, _ = await federation.receipts.page(platform, after=None, limit=_MODERATIONS, criteria=wanted, newest=True)
    found = []
    for offer_id in list(dict.fromkeys(str(one["id"]) for one in named))[:_MODERATED]:
        own = ReceiptFilter(verdicts=_ACCEPTED, offer_id=offer_id)
        later, _, _ = await federation.receipts.page(
            platform, after=None, limit=_RECEIPTS_OF_EACH, criteria=own, newest=True
        )
        receipts = {one["receipt"]: one for one in (*named, *later) if one["id"] == offer_id}
        ordered = sorted(receipts.values(), key=lambda one: int(one["sequence"]))
        found.append(ModerationFacts(id=offer_id, state=await federation.offers.get(offer_id), receipts=ordered))
    return tuple(found)
