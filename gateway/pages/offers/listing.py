"""A list of offers as an address asks for it: words, facets, order and page; the same in public, for a platform and for
an operator.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from gateway.pages.base.csv_file import csv_file
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import Download, PageError
from gateway.pages.base.texts import texts_of
from gateway.pages.base.wording import LEVELS, names_of, span_of_weeks
from gateway.pages.connect.offers import write_weeks
from gateway.pages.offers.territory import regions
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import OfferState
from gateway.protocol.visibility import Filter
from gateway.store.offer_search import ORDERS, OfferSearch, plain
from schemas.rulebook import Language
from schemas.schoolyear import monday_of, week_of

PER_PAGE, MAX_PAGES = 50, 20
MAX_ROWS = 10_000
"""Offers of a file."""
_MAX_LETTERS, _MAX_WORDS = 100, 8
_FACETS = ("region", "department", "sector", "week", "level")


class Found(Protocol):
    """A page of a list, with the number of all offers, and their numbers by facet."""

    @property
    def total(self) -> int:
        """The number of all."""

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """By facet and code."""


Page = TypeVar("Page", bound=Found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The list that an address names. ``typed``: the words; ``wanted``: codes by facet; ``kept``: the parameters that
    links carry on; ``platform`` and ``state``: of an operator's list, and of a platform's; ``states`` it may have.
    """

    typed: str
    wanted: Mapping[str, str]
    order: str
    number: int
    kept: Mapping[str, str]
    platform: str = ""
    state: str = ""
    states: Collection[str] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether it has criteria besides words, department and level."""
        return not self.kept.keys() <= {"q", "department", "level"}

    def of_operator(self, names: Collection[str]) -> OfferSearch:
        """Its search for an operator, among all of these platforms unless it names one."""
        return self.search([self.platform] if self.platform else names, hidden=True)

    def head(self, label: str, order: str, address: str) -> tuple[str, str, str, str | None]:
        """The head of a column by which the list is sorted."""
        query = urlencode({**self.kept, "order": order})
        direction = "descending" if order == "newest" else "ascending"
        return label, "", f"{address}?{query}", direction if order == self.order else None

    def search(self, platforms: Collection[str], *, hidden: bool) -> OfferSearch:
        """Its search among these platforms."""
        region, department, sector, week, level = (
            frozenset({self.wanted[name]} if name in self.wanted else ()) for name in _FACETS
        )
        criteria = Filter(
            platform=frozenset(platforms), region=region, department=department, sector=sector, week=week, level=level
        )
        words = plain(self.typed).split()[:_MAX_WORDS] or ([self.typed] if self.typed else [])  # signs are in no text
        return OfferSearch(
            criteria=criteria, words=words, order=self.order, limit=PER_PAGE, hidden=hidden, state=self.state
        )

    async def page(self, search: OfferSearch, find: Callable[[OfferSearch], Awaitable[Page]]) -> tuple["Listing", Page]:
        """This page of a search, or its last one."""
        number = self.number
        while True:
            found = await find(replace(search, skipped=PER_PAGE * (number - 1)))
            if number <= (last := last_of(found)):
                return replace(self, number=number), found
            number = last

    def values(self, found: Found, language: Language, *, now: int) -> Mapping[str, Any]:
        """The values of the parts of the template. ``now`` (ms): weeks that have ended are no choice."""
        today = date.fromisoformat(paris_date(now))
        counted = {code for code in found.counts.get("week", ()) if code >= week_of(today)}
        ahead = sorted(counted | {code for code in (self.wanted.get("week"),) if code})
        return {
            "listing": self,
            "lists": texts_of("offers", language),
            "orders": ORDERS,
            "choices": {**facet_names(language), "week": {code: name_of_week(code, language) for code in ahead}},
            "last": last_of(found),
            "per_page": PER_PAGE,
            "most_rows": MAX_ROWS,
            "found": found,
        }


def read_listing(
    query: Mapping[str, str], language: Language, *, names: Collection[str] = (), states: Collection[str] = ()
) -> Listing:
    """The list of an address; ``names``: the platforms that it may name, ``states`` as in the list. Raises PageError
    400.
    """
    typed = " ".join(query.get("q", "").split())[:_MAX_LETTERS]
    wanted = {name: value for name in _FACETS if (value := query.get(name, ""))}
    order, number = query.get("order", ORDERS[0]), whole_number(query.get("page", "1"), most=MAX_PAGES)
    platform, state = query.get("platform", "") if names else "", query.get("state", "") if states else ""
    known = facet_names(language)
    unknown = [name for name, code in wanted.items() if code not in known.get(name, {code})]
    if not number or order not in ORDERS or unknown or platform not in ("", *names) or state not in ("", *states):
        raise PageError(400)
    own = {"q": typed, **wanted, "platform": platform, "state": state}
    kept = {name: value for name, value in own.items() if value} | ({"order": order} if order != ORDERS[0] else {})
    return Listing(
        typed=typed,
        wanted=wanted,
        order=order,
        number=number,
        kept=kept,
        platform=platform,
        state=state,
        states=states,
    )


def last_of(found: Found) -> int:
    """The number of pages that may be displayed."""
    return max(1, min(MAX_PAGES, -(-found.total // PER_PAGE)))


def name_of_week(code: str, language: Language) -> str:
    """``14 au 18 juin 2027 (S24)``."""
    monday = monday_of(code)
    return code if monday is None else span_of_weeks([monday], language)


def facet_names(language: Language) -> Mapping[str, Mapping[str, str]]:
    """By facet the codes and their names; weeks are those of the offers."""
    return {
        "region": {code: one.name for code, one in regions().items()},
        "department": names_of("departments", language),
        "sector": names_of("sectors", language),
        "level": LEVELS,
    }


def offers_csv(states: Iterable[OfferState], language: Language) -> Download:
    """The offers as a file for spreadsheets, with heads in the reader's language."""
    t, names = texts_of("offers", language), facet_names(language)
    heads = ("id", "offer", "employer", "town", "department", "sector", "level", "weeks", "state", "changed")
    rows = [_row(state, names, language) for state in states]
    name = "offres.csv" if language == "fr" else "offers.csv"
    return csv_file(name, [str(t(head)) for head in heads], rows)


def public_offers_csv(offers: Iterable[Mapping[str, Any]], language: Language) -> Download:
    """Public offers as a file: those members of the schema ``public-offer`` that the list has, and the link."""
    t, names = texts_of("offers", language), facet_names(language)
    heads = ("id", "offer", "employer", "town", "department", "sector", "level", "weeks", "link")
    rows = [(one["id"], *_cells(one, one["department"], names, language), one["apply_url"]) for one in offers]
    return csv_file("offres.csv" if language == "fr" else "offers.csv", [str(t(head)) for head in heads], rows)


def _row(state: OfferState, names: Mapping[str, Mapping[str, str]], language: Language) -> Sequence[str]:
    t, changed = texts_of("offers", language), paris_date(state.known.appended_at)
    if state.offer is None or state.territory is None:
        name = "moderated" if state.known.reason == "moderated" else "gone"
        return state.id, *[""] * 7, str(t(f"state_{name}")), changed
    cells = _cells(state.offer, state.territory["department"], names, language)
    return state.id, *cells, str(t.state_online), changed


def _cells(
    offer: Mapping[str, Any], department: str, names: Mapping[str, Mapping[str, str]], language: Language
) -> Sequence[str]:
    return (
        offer["title"],
        offer["employer"]["name"],
        f"{offer['location']['postal_code']} {offer['location']['city']}",
        f"{names['department'].get(department, '')} ({department})",
        names["sector"].get(offer["sector"], offer["sector"]),
        ", ".join(LEVELS.get(level, level) for level in offer["levels"]),
        write_weeks(offer["weeks"], language),
    )
