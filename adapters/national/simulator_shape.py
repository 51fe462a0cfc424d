"""How the simulated site writes an offer: one shape for writes, another one, with French dates, for its lists."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from adapters.national.simulator_rules import mandatory_weeks, sectors
from adapters.national.simulator_stock import Operator, Row, first_monday, last_friday
from adapters.national.week import MONTHS
from gateway.protocol.decide import PARIS

PER_PAGE = 30


def write_shape(row: Row) -> dict[str, Any]:
    """The answer to a write."""
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


def list_shape(row: Row, *, reader: Operator, origin: str, query: Mapping[str, str], on: date) -> dict[str, Any]:
    """One item of index or search."""
    latitude, longitude = row.coordinates or (None, None)
    first, last = first_monday(row.weeks), last_friday(row.weeks)
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description or "",
        "employer_name": row.employer_name,
        "url": f"{origin}/offres-de-stage/{row.id}?{urlencode({**query, 'utm_source': reader.name})}",
        "city": (row.city or "").capitalize(),
        "zipcode": row.zipcode,
        "street": row.street,
        "date_start": "" if first is None else _spoken(first),
        "date_end": "" if last is None else _spoken(last),
        "latitude": latitude,
        "longitude": longitude,
        "image": f"{origin}/media/images/sectors/{row.sector}.svg",
        "sector": sectors()[row.sector or ""],
        "handicap_accessible": row.handicap_accessible,
        "period": _period(row, on),
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


def page_shape(
    rows: Sequence[Row], *, reader: Operator, origin: str, path: str, query: Mapping[str, str], on: date
) -> dict[str, Any]:
    """A page of rows with its frame. Its links lead to search, those of the index too."""
    asked = query.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() else 1
    pages = -(-len(rows) // PER_PAGE)
    others = {name: value for name, value in query.items() if name != "page"}

    def link(page: int) -> str:
        return f"{origin}/api/v2/internship_offers/search?{urlencode({**others, 'page': page})}"

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
            "pageUrlBase": f"{origin}{path}" + (f"?{urlencode(others)}" if others else ""),
        },
        "internshipOffers": [
            list_shape(row, reader=reader, origin=origin, query=query, on=on)
            for row in rows[(number - 1) * PER_PAGE : number * PER_PAGE]
        ],
    }


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, PARIS).isoformat(timespec="milliseconds")


def _spoken(day: date) -> str:
    """Such as `` 5 mars 2027``: a one-digit day keeps its blank."""
    return f"{day.day:2} {MONTHS[day.month - 1]} {day.year}"


def _span(week: str) -> str:
    year, number = week.split("-W")
    monday = date.fromisocalendar(int(year), int(number), 1)
    return f"du {monday:%d/%m/%Y} au {monday + timedelta(days=4):%d/%m/%Y}"


def _period(row: Row, on: date) -> int:
    """1 or 2 for a partner's offer of one mandatory week, else 0."""
    if row.owner is None:
        return 0
    weeks = tuple(week.replace("-W0", "-W") for week in mandatory_weeks(on))
    return weeks.index(row.weeks[0]) + 1 if len(row.weeks) == 1 and row.weeks[0] in weeks else 0
