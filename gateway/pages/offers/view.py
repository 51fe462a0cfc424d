"""Offers in public: a search, and a page for each offer. What is not public is 404 like what never was."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.figures import Figures
from gateway.federation.open_history import open_history
from gateway.federation.public_offers import PublicPage, agreeing_platforms, find_public_offers, get_public_offer
from gateway.pages.base.columns import wants_file
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, views_behind
from gateway.pages.base.texts import texts_of
from gateway.pages.connect.offers import write_weeks
from gateway.pages.legal.view import Imprint
from gateway.pages.map.outlines import box_of, outlines
from gateway.pages.offers.listing import MAX_PAGES, PER_PAGE, facet_names, public_offers_csv, read_listing
from gateway.pages.offers.season import HEIGHT, WIDTH, season_of
from gateway.pages.offers.territory import PublicTerritory, departments, offer_map, regions
from gateway.partners.onboarding import presets
from gateway.protocol.paris_time import paris_date
from gateway.protocol.visibility import Filter
from gateway.store.offer_search import OfferSearch

_MAX_SECTORS = 12
"""On the page of a territory, until all are asked for."""
_UNLISTED = {"X-Robots-Tag": "noindex"}

Reading: TypeAlias = Callable[[web.Request, Coroutine[Any, Any, Any]], Awaitable[Any]]
"""Runs a visitor's search as work of its network address."""


def pages(federation: Federation, imprint: Imprint, reading: Reading, figures: Figures) -> Sequence[Page]:
    """The search, the offer and the territories."""
    shell = _PublicOffers(federation, imprint, reading, figures)
    return [
        Page("public_offers", {"fr": "/offres", "en": "/en/offers"}, shell.search),
        Page("public_offers_one", {"fr": "/offres/{part}", "en": "/en/offers/{part}"}, shell.show),
        Page("public_offers_region", {"fr": "/regions/{part}", "en": "/en/regions/{part}"}, shell.region, example="53"),
        Page(
            "public_offers_department",
            {"fr": "/departements/{part}", "en": "/en/departments/{part}"},
            shell.department,
            example="35",
        ),
    ]


class _PublicOffers:
    def __init__(self, federation: Federation, imprint: Imprint, reading: Reading, figures: Figures) -> None:
        self._federation = federation
        self._imprint = imprint
        self._reading = reading
        self._figures = figures

    async def search(self, request: web.Request, language: Language) -> Answer | Download:
        self._require_views()
        listing, now = read_listing(request.query, language), self._federation.clock()

        async def find(search: OfferSearch) -> PublicPage:
            return await self._find(request, search)

        search = listing.search((), hidden=False)
        if wants_file(request.query):
            whole = await find(replace(search, limit=PER_PAGE * MAX_PAGES))
            return public_offers_csv(whole.offers, language)
        listing, found = await listing.page(search, find)
        query = {**listing.kept, **({"page": str(listing.number)} if listing.number > 1 else {})}
        return Answer(
            "offers/list.html",
            {
                **listing.values(found, language, now=now),
                "most_rows": PER_PAGE * MAX_PAGES,
                **_map(
                    found.counts["department"] if found.total else {}, date.fromisoformat(paris_date(now)), language
                ),
                "write_weeks": lambda codes: write_weeks(codes, language),
            },
            headers=_UNLISTED,
            made_of=None if query else (found, paris_date(now)),  # searches are many, and each is of one visitor
            query=query,
        )

    async def region(self, request: web.Request, language: Language) -> Answer:
        """The page of a Region."""
        return await self._territory(request, language, regions())

    async def department(self, request: web.Request, language: Language) -> Answer:
        """The page of a department."""
        return await self._territory(request, language, departments())

    async def _territory(
        self, request: web.Request, language: Language, known: Mapping[str, PublicTerritory]
    ) -> Answer:
        self._require_views()
        one = known.get(request.match_info["part"])
        if one is None:
            raise PageError(404)
        now, figures = self._federation.clock(), await self._figures.get()
        if figures is None:
            raise views_behind()
        today = date.fromisoformat(paris_date(now))
        criteria = Filter(department=frozenset(one.departments))
        found = await self._find(request, OfferSearch(criteria=criteria, limit=0))
        history = await open_history(self._federation, one.departments, today)
        sites = self._sites(one.departments)
        facet = "department" if one.region else "region"
        listing = read_listing({facet: one.code}, language)
        live = (figures.counts.departments if one.region else figures.counts.regions).get(one.code, 0)
        values = {
            **listing.values(found, language, now=now),
            **_map(found.counts.get("department", {}), today, language, within=one.departments),
            "one": one,
            "facet": facet,
            "live": max(live, found.total),
            "sites": sites,
            "most_sectors": _MAX_SECTORS,
            "box": box_of(frozenset(one.departments)),
            "region": regions().get(one.region),
            "departments": departments(),
            "season": season_of(history, today, found.total) if found.total or any(history.values()) else None,
            "width": WIDTH,
            "height": HEIGHT,
        }
        return Answer(
            "offers/territory.html",
            values,
            headers=_UNLISTED,
            made_of=(found, live, sites, tuple(history.items()), today),
        )

    def _sites(self, departments: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Name and host of the platforms of these departments that everybody may know: those of the Regions, and those
        whose offers are public (SEC-014).
        """
        known = presets().keys() | agreeing_platforms(self._federation)
        return tuple(
            (one.name, one.hosts[0])
            for one in self._federation.partners.all()
            if one.platform in known
            and one.hosts
            and not one.revoked
            and (not one.territory or one.territory.intersection(departments))
        )

    async def _find(self, request: web.Request, search: OfferSearch) -> PublicPage:
        return await find_public_offers(self._federation, search, lambda part: self._reading(request, part))

    async def show(self, request: web.Request, language: Language) -> Answer:
        self._require_views()
        offer = await get_public_offer(self._federation, request.match_info["part"])
        if offer is None:
            raise PageError(404, kind="offer")
        partner = self._federation.partners.get(offer["platform"])
        values = {
            "offer": offer,
            "paragraphs": [line for line in offer["description"].split("\n") if line.strip()],
            "platform": offer["platform"] if partner is None else partner.name,
            "names": facet_names(language),
            "weeks": write_weeks(offer["weeks"], language),
            **_report(offer, self._imprint, language),
        }
        return Answer("offers/offer.html", values, headers=_UNLISTED)

    def _require_views(self) -> None:
        if not self._federation.caught_up:
            raise views_behind()


def _report(offer: Mapping[str, Any], imprint: Imprint, language: Language) -> Mapping[str, Any]:
    """The address to which an offer is reported: the operator's contact; without one, the site that has the offer."""
    contact = imprint.contact_url
    if contact is None:
        return {"contact": None, "report": f"https://{urlsplit(offer['apply_url']).netloc}/"}
    subject = quote(texts_of("offers", language)("report_subject", id=offer["id"]))
    return {"contact": contact, "report": f"{contact}?subject={subject}" if imprint.is_mail else contact}


def _map(
    counts: Mapping[str, int], on: date, language: Language, *, within: Sequence[str] | None = None
) -> Mapping[str, Any]:
    """The map of these numbers, with its texts."""
    drawn = offer_map(counts, on, within=within)
    return {
        "areas": drawn.areas,
        "legend": drawn.legend,
        "outlines": outlines(),
        "map_texts": texts_of("map", language),
    }
