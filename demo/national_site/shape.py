"""Shapes of the simulated site: JSON for writes; another, with French dates, for lists; an HTML page to look at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import quote

from demo.national_site.body import sectors
from demo.national_site.framework import leading_whole
from demo.national_site.stock import Operator, SiteOffer, Stock, first_monday, last_friday, monday_of_week
from gateway.protocol.paris_time import PARIS
from schemas import texts

_MONTHS = texts.MONTHS["fr"]
PER_PAGE = 30
_KNOWN = ("page", "latitude", "longitude", "radius", "keyword")
_KNOWN_LISTS = ("sector_ids", "week_ids")
_OLD_MEMBERS = (
    *("id", "title", "description", "employer_name", "url", "city", "date_start", "date_end", "latitude", "longitude"),
    *("image", "sector", "period", "is_public", "employer_website", "employer_description"),
)
"""Members of an offer in v1 lists."""
_MAX_ROWS = 200
"""Maximum of offers on the HTML page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListContext:
    """Context of a list: account, origin, path, parameters. ``mandatory``: the two weeks of seconde."""

    reader: Operator
    origin: str
    path: str
    params: Mapping[str, Any]
    mandatory: tuple[str, str]
    old: bool = False


def write_shape(row: SiteOffer) -> dict[str, Any]:
    """The body of the answer to a write."""
    latitude, longitude = row.coordinates or (None, None)
    return {
        "title": row.title,
        "description": row.description,
        "employer_name": row.employer_name,
        "employer_description": row.employer_description,
        "employer_website": row.employer_website,
        "street": row.street,
        "zipcode": row.zipcode,
        "city": row.city,
        "remote_id": row.remote_id,
        "permalink": row.permalink,
        "max_candidates": row.max_candidates,
        "published_at": None if row.published_at is None else _instant(row.published_at),
        "is_public": row.is_public,
        "formatted_coordinates": {"latitude": latitude, "longitude": longitude},
        "weeks": list(row.weeks),
        "grades": sorted(row.grades),
    }


def list_shape(row: SiteOffer, view: ListContext) -> dict[str, Any]:
    """One item of index or search."""
    latitude, longitude = row.coordinates or (None, None)
    first, last = first_monday(row.weeks), last_friday(row.weeks)
    query = _query({**_known(view.params), "utm_source": view.reader.name})
    item = {
        "id": row.id,
        "title": row.title,
        "description": row.description or "",
        "employer_name": row.employer_name,
        "url": f"{view.origin}/offres-de-stage/{row.id}?{query}",
        "city": (row.city or "").capitalize(),
        "zipcode": row.zipcode,
        "street": row.street,
        "date_start": "" if first is None else _spoken(first),
        "date_end": "" if last is None else _spoken(last),
        "latitude": latitude,
        "longitude": longitude,
        "image": f"{view.origin}/media/images/sectors/{row.sector}.svg",
        "sector": sectors()[row.sector or ""],
        "handicap_accessible": row.handicap_accessible,
        "period": _period(row, view.mandatory),
        "weeks": ", ".join(map(_span, row.weeks)),
        "remote_id": row.remote_id,
        "is_public": row.is_public,
        "employer_website": row.employer_website,
        "employer_description": row.employer_description,
        "grades": list(row.grades),
        "permalink": row.permalink,
        "rep": row.rep,
        "qpv": row.qpv,
    }
    return {name: item[name] for name in _OLD_MEMBERS} if view.old else item


def page_shape(rows: Sequence[SiteOffer], view: ListContext, cited: set[str]) -> dict[str, Any]:
    """A page of rows with pagination. The links of index and search both lead to search."""
    number = max(1, leading_whole(view.params.get("page", 1)))
    pages = -(-len(rows) // PER_PAGE)
    others = {name: value for name, value in _known(view.params).items() if name != "page"}
    search = f"{view.origin}/api/{'v1' if view.old else 'v2'}/internship_offers/search"

    def link(page: int) -> str:
        cited.add("page.links")
        return f"{search}?{_query({**others, 'page': page})}"

    listed = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
    cited |= _cite(listed, view, number=number, pages=pages)
    return {
        "pagination": {
            "totalInternshipOffers": len(rows),
            "internshipOffersPerPage": PER_PAGE,
            "totalPages": pages,
            "currentPage": number,
            "nextPage": link(number + 1) if number < pages else None,
            "prevPage": link(number - 1) if 1 < number <= pages else None,
            "isFirstPage": number == 1,
            "isLastPage": number == pages,
            "pageUrlBase": f"{view.origin}{view.path}" + (f"?{_query(others)}" if others else ""),
        },
        "internshipOffers": [list_shape(row, view) for row in listed],
    }


def _cite(listed: Sequence[SiteOffer], view: ListContext, *, number: int, pages: int) -> set[str]:
    """The rules applied to a page."""
    cited = {"page.beyond"} if number > max(1, pages) else set()
    if "page" in view.params:
        cited.add("page.number")
    if pages > 1:
        cited.add("page.size")
    if listed:
        cited |= {"list.v1" if view.old else "list.v2", "list.url", "list.city", "list.period"}
    return cited


def _known(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters for links, without the token."""
    known = {name: params[name] for name in _KNOWN if isinstance(params.get(name), str | int | float)}
    return known | {name: params[name] for name in _KNOWN_LISTS if isinstance(params.get(name), list) and params[name]}


def _query(params: Mapping[str, Any]) -> str:
    """The query string in alphabetical order, as the framework writes it."""
    return "&".join(sorted(_pairs(params)))


def _pairs(params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        for one in value if isinstance(value, list) else [value]:
            yield f"{name}{'%5B%5D' if isinstance(value, list) else ''}={quote(str(one), safe='')}"


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, PARIS).isoformat(timespec="milliseconds")


def _spoken(day: date) -> str:
    """A French date such as `` 5 mars 2027``, with a leading blank for a one-digit day."""
    return f"{day.day:2} {_MONTHS[day.month - 1]} {day.year}"


def _span(week: str) -> str:
    monday = monday_of_week(week)
    return f"du {monday:%d/%m/%Y} au {monday + timedelta(days=4):%d/%m/%Y}"


def _period(row: SiteOffer, mandatory: tuple[str, str]) -> int:
    """1 or 2 for a partner's offer of one mandatory week, else 0."""
    if row.owner is None:
        return 0
    weeks = tuple(week.replace("-W0", "-W") for week in mandatory)
    return weeks.index(row.weeks[0]) + 1 if len(row.weeks) == 1 and row.weeks[0] in weeks else 0


def html_page(stock: Stock) -> str:
    """The newest offers as a page that reloads every two seconds."""
    live = stock.live()
    rows = "".join(map(_row, live[:_MAX_ROWS]))
    return f"""<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Site national simulé</title>
<style>body {{ font-family: sans-serif; margin: 2em }} td, th {{ text-align: left; padding: .2em 1em .2em 0 }}</style>
</head><body><h1>Site national simulé</h1><p>Offres visibles : {len(live)} ; en tout : {len(stock.rows)}.</p>
<table><tr><th>Titre<th>Employeur<th>Lieu<th>Niveaux<th>Semaines<th>Origine</tr>{rows}</table></body></html>"""


def _row(row: SiteOffer) -> str:
    locality = f"{row.zipcode} {row.city}"
    origin = "créée sur le site" if row.owner is None else f"{row.owner.email} {row.remote_id}"
    cells = (row.title, row.employer_name, locality, ", ".join(row.grades), ", ".join(row.weeks), origin)
    return "<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in cells) + "</tr>"
