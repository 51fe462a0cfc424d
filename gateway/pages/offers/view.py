"""Offers in public: a search, and a page for each offer. What is not public is 404 like what never was."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.public_offers import PublicPage, find_public_offers, get_public_offer
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import Answer, Language, Page, PageError, views_behind
from gateway.pages.base.wording import LEVELS, names_of, span_of_weeks
from gateway.pages.connect.offers import write_weeks
from gateway.pages.legal.view import Imprint
from gateway.protocol.paris_time import paris_date
from gateway.protocol.visibility import Filter
from gateway.store.offer_text import words_of
from gateway.store.public_offers import ORDERS, PublicSearch
from schemas.schoolyear import monday_of, week_of

PER_PAGE, MAX_PAGES = 50, 20
_MAX_LETTERS, _MAX_WORDS = 100, 8
_UNLISTED = {"X-Robots-Tag": "noindex"}
_FACETS = ("department", "sector", "week", "level")

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
        today = date.fromisoformat(paris_date(self._federation.clock()))
        typed = " ".join(request.query.get("q", "").split())[:_MAX_LETTERS]
        wanted = {name: value for name in _FACETS if (value := request.query.get(name, ""))}
        order, number = request.query.get("order", ORDERS[0]), whole_number(request.query.get("page", "1"), most=20)
        choices = _choices(language)
        unknown = [name for name, code in wanted.items() if name in choices and code not in choices[name]]
        if not number or order not in ORDERS or unknown:
            raise PageError(400)
        search = PublicSearch(criteria=_filter(wanted), words=words_of(typed)[:_MAX_WORDS], order=order, limit=PER_PAGE)
        number, found = await self._page(request, search, number)
        ahead = sorted(code for code in found.counts.get("week", ()) if code >= week_of(today))
        kept = {name: value for name, value in {"q": typed, **wanted}.items() if value}
        kept |= {"order": order} if order != ORDERS[0] else {}
        return Answer(
            "offers/list.html",
            {
                "found": found,
                "typed": typed,
                "wanted": wanted,
                "order": order,
                "orders": ORDERS,
                "choices": {**choices, "week": {code: of_week(code, language) for code in ahead}},
                "kept": kept,
                "number": number,
                "last": _last(found),
                "write_weeks": lambda codes: write_weeks(codes, language),
            },
            headers=_UNLISTED,
            made_of=(found, today),
            query=kept | ({"page": str(number)} if number > 1 else {}),
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
            "names": _choices(language),
            "weeks": write_weeks(offer["weeks"], language),
            "contact": self._imprint.contact_url,
        }
        return Answer("offers/offer.html", values, headers=_UNLISTED)

    async def _page(self, request: web.Request, search: PublicSearch, number: int) -> tuple[int, PublicPage]:
        """This page of the search, or its last one."""
        while True:
            one = replace(search, skipped=PER_PAGE * (number - 1))
            found: PublicPage = await self._reading(request, find_public_offers(self._federation, one))
            if number <= (last := _last(found)):
                return number, found
            number = last

    def _require_views(self) -> None:
        if not self._federation.caught_up:
            raise views_behind()


def _last(found: PublicPage) -> int:
    return max(1, min(MAX_PAGES, -(-found.total // PER_PAGE)))


def _filter(wanted: Mapping[str, str]) -> Filter:
    department, sector, week, level = (frozenset({wanted[name]} if name in wanted else ()) for name in _FACETS)
    return Filter(department=department, sector=sector, week=week, level=level)


def of_week(code: str, language: Language) -> str:
    """``14 au 18 juin 2027 (S24)``."""
    monday = monday_of(code)
    return code if monday is None else span_of_weeks([monday], language)


def _choices(language: Language) -> Mapping[str, Mapping[str, str]]:
    """By facet the codes and their names; weeks are those of the offers."""
    return {
        "department": names_of("departments", language),
        "sector": names_of("sectors", language),
        "level": LEVELS,
    }
