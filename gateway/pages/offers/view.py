"""Offers in public: a search, and a page for each offer. What is not public is 404 like what never was."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.public_offers import PublicPage, find_public_offers, get_public_offer
from gateway.pages.base.page import Answer, Language, Page, PageError, views_behind
from gateway.pages.connect.offers import write_weeks
from gateway.pages.legal.view import Imprint
from gateway.pages.offers.listing import facet_names, read_listing
from gateway.protocol.paris_time import paris_date
from gateway.store.offer_search import OfferSearch

_UNLISTED = {"X-Robots-Tag": "noindex"}

Reading: TypeAlias = Callable[[web.Request, Coroutine[Any, Any, Any]], Awaitable[Any]]
"""Runs a visitor's search as work of its network address."""


def pages(federation: Federation, imprint: Imprint, reading: Reading) -> Sequence[Page]:
    """The search and the offer."""
    shell = _PublicOffers(federation, imprint, reading)
    return [
        Page("public_offers", {"fr": "/offres", "en": "/en/offers"}, shell.search),
        Page("public_offers_one", {"fr": "/offres/{part}", "en": "/en/offers/{part}"}, shell.show),
    ]


class _PublicOffers:
    def __init__(self, federation: Federation, imprint: Imprint, reading: Reading) -> None:
        self._federation = federation
        self._imprint = imprint
        self._reading = reading

    async def search(self, request: web.Request, language: Language) -> Answer:
        self._require_views()
        listing, now = read_listing(request.query, language), self._federation.clock()

        async def find(search: OfferSearch) -> PublicPage:
            return await find_public_offers(self._federation, search, lambda part: self._reading(request, part))

        listing, found = await listing.page(listing.search((), hidden=False), find)
        query = {**listing.kept, **({"page": str(listing.number)} if listing.number > 1 else {})}
        return Answer(
            "offers/list.html",
            {**listing.values(found, language, now=now), "write_weeks": lambda codes: write_weeks(codes, language)},
            headers=_UNLISTED,
            made_of=None if query else (found, paris_date(now)),  # searches are many, and each is of one visitor
            query=query,
        )

    async def show(self, request: web.Request, language: Language) -> Answer:
        self._require_views()
        offer = await get_public_offer(self._federation, request.match_info["part"])
        if offer is None:
            raise PageError(404)
        partner = self._federation.partners.get(offer["platform"])
        values = {
            "offer": offer,
            "paragraphs": [line for line in offer["description"].split("\n") if line.strip()],
            "platform": offer["platform"] if partner is None else partner.name,
            "names": facet_names(language),
            "weeks": write_weeks(offer["weeks"], language),
            "contact": self._imprint.contact_url,
        }
        return Answer("offers/offer.html", values, headers=_UNLISTED)

    def _require_views(self) -> None:
        if not self._federation.caught_up:
            raise views_behind()
