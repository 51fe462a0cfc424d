"""The offers or feeds that an operator has chosen in a list, each with its state at that time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.federation import Federation
from gateway.federation.offers import find_offers
from gateway.federation.platform import platform_names
from gateway.operate.feeds import has_feed
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import PageError
from gateway.pages.base.upload import Form
from gateway.pages.offers.listing import read_listing
from gateway.protocol.identity import is_offer_id, platform_of
from gateway.protocol.record import OfferState
from gateway.store.offer_search import STATES
from schemas.rulebook import Language

MAX_CHOSEN = 200
"""Offers or feeds of one selection."""
_MAX_SEQUENCE = 2**63


class TooManyError(Exception):
    """More than ``MAX_CHOSEN`` are chosen. ``number``: how many."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One offer or feed. ``seen``: the sequence of the offer's state that was displayed, 0 for none and for a feed;
    ``title``: of a live offer; ``outcome``: why nothing will be done, or what was done; None before.
    """

    id: str
    seen: int
    platform: str
    title: str | None = None
    outcome: str | None = None


async def read_chosen(federation: Federation, form: Form, act: str, language: Language) -> Sequence[Chosen]:
    """The offers or feeds that a form names, each once: by ``id``, as a confirmation does by ``item``, or with
    ``every`` all that its search finds. Raises TooManyError; PageError 400 for what no page names.
    """
    if form.text("every"):
        return await _found(federation, form, act, language)
    seen: dict[str, int | None] = dict.fromkeys(form.each("id"))
    for item in form.each("item"):
        number, _, one = item.partition(" ")
        seen[one] = whole_number(number, most=_MAX_SEQUENCE)
        if seen[one] is None:
            raise PageError(400)
    if len(seen) > MAX_CHOSEN:
        raise TooManyError(len(seen))
    if act in ("moderate", "lift"):
        return [await _offer(federation, one, act, number) for one, number in seen.items()]
    paused = await federation.runs.paused()
    return [_feed(federation, one, act, paused) for one in seen]


async def _found(federation: Federation, form: Form, act: str, language: Language) -> Sequence[Chosen]:
    names = platform_names(federation)
    query = {part.name: form.text(part.name) for part in form.parts}
    listing = read_listing(query, language, names=names, states=STATES)
    search = replace(listing.of_operator(names), limit=MAX_CHOSEN)
    found = await find_offers(federation.offers, search, listing.typed)
    if found.total > MAX_CHOSEN:
        raise TooManyError(found.total)
    return [_known(federation, state, act, None) for state in found.states]


async def _offer(federation: Federation, offer_id: str, act: str, seen: int | None) -> Chosen:
    if not is_offer_id(offer_id):
        raise PageError(400)
    state = await federation.offers.get(offer_id)
    if state is None:
        return Chosen(id=offer_id, seen=seen or 0, platform=_name(federation, offer_id), outcome="offer-unknown")
    return _known(federation, state, act, seen)


def _known(federation: Federation, state: OfferState, act: str, seen: int | None) -> Chosen:
    moderated = state.known.reason == "moderated"
    outcome = None if moderated == (act == "lift") else "already-moderated" if moderated else "not-moderated"
    return Chosen(
        id=state.id,
        seen=state.known.sequence if seen is None else seen,
        platform=_name(federation, state.id),
        title=None if state.offer is None else str(state.offer["title"]),
        outcome=outcome,
    )


def _feed(federation: Federation, platform: str, act: str, paused: Mapping[str, object]) -> Chosen:
    partner = federation.partners.get(platform)
    if partner is None:
        raise PageError(404)
    if partner.revoked or not has_feed(partner):
        return Chosen(id=platform, seen=0, platform=partner.name, outcome="no-feed")
    outcome = None if (platform in paused) == (act == "resume") else f"feed-{'paused' if platform in paused else 'on'}"
    return Chosen(id=platform, seen=0, platform=partner.name, outcome=outcome)


def _name(federation: Federation, offer_id: str) -> str:
    slug = platform_of(offer_id)
    return platform_names(federation).get(slug, slug)
