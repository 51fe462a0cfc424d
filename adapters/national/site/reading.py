"""Reads pages of the site's index or search, and compares their offers with the bodies that were sent.

The site's read form differs from its write form, and lacks seats, hours and codes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from adapters.national.mapping.deliverability import Ready
from adapters.national.mapping.week import parse_spans
from adapters.national.site.answer import SiteAnswer
from adapters.national.site.page_json import Doubled, find_fault
from schemas.codelist import reference

_NEAR = 1e-5
"""Degrees, about a metre, within which two positions are equal."""
_MAX_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One offer as the site shows it; None for a field that it does not show. ``number`` is the site's own id.

    Seats, hours and reserved schools are not listed, and so unknown. ``accessible``, ``rep`` and ``qpv`` are also false
    where they are not given, so only true is significant. ``city`` has one capital letter (``Le bouscat``), and
    ``url``, the site's own address of the offer, is stored without the reader's query.
    """

    number: int
    remote_id: str | None
    title: str
    description: str
    employer_name: str
    employer_description: str | None
    employer_website: str | None
    street: str | None
    zipcode: str
    city: str
    latitude: float | None
    longitude: float | None
    sector: str | None
    weeks: tuple[str, ...]
    levels: tuple[str, ...]
    permalink: str | None
    url: str
    is_public: bool
    accessible: bool
    rep: bool
    qpv: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of a page in another form than the site's; it still counts as present. ``named``: whether ``remote_id``
    is known; a known None is that of an offer created at the site.
    """

    number: int | None
    remote_id: str | None
    reason: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page: its items, and the totals that show whether a walk is complete and undisturbed."""

    listed: tuple[Listed, ...]
    unreadable: tuple[Unreadable, ...]
    total: int
    pages: int
    number: int


def read_page(answer: SiteAnswer) -> SearchPage | None:
    """The page that an answer of index or search holds; None when it holds none."""
    if answer.status != HTTPStatus.OK or not isinstance(answer.body, dict) or isinstance(answer.body, Doubled):
        return None
    frame, items = answer.body.get("pagination"), answer.body.get("internshipOffers")
    if not isinstance(frame, dict) or not isinstance(items, list):
        return None
    counts = [frame.get(name) for name in ("totalInternshipOffers", "totalPages", "currentPage")]
    total, pages, number = (count if type(count) is int and count >= 0 else None for count in counts)
    if total is None or pages is None or number is None:
        return None
    read = [_read_item(item) for item in items]
    return SearchPage(
        tuple(item for item in read if isinstance(item, Listed)),
        tuple(item for item in read if isinstance(item, Unreadable)),
        total=total,
        pages=pages,
        number=number,
    )


def differences(sent: Ready, listed: Listed) -> list[str]:
    """The fields that the site shows with another value than was sent."""
    return [field for field, wanted, actual in _pairs(sent, listed) if not _same(wanted, actual)]


def _pairs(sent: Ready, listed: Listed) -> Iterator[tuple[str, Any, Any]]:
    body = sent.body
    for field in ("title", "description", "employer_name", "employer_description", "street", "zipcode", "permalink"):
        yield field, body[field], getattr(listed, field)
    yield "employer_website", body["employer_website"], listed.employer_website or None
    yield "city", body["city"].casefold(), listed.city.casefold()
    yield "sector_uuid", body["sector_uuid"], listed.sector
    yield "is_public", body["is_public"], listed.is_public
    yield "handicap_accessible", body["handicap_accessible"], listed.accessible
    yield "rep", body.get("rep", False), listed.rep
    yield "qpv", body.get("qpv", False), listed.qpv
    yield "weeks", sorted(sent.weeks), sorted(listed.weeks)
    yield "grades", sorted(sent.levels), sorted(listed.levels)
    if "coordinates" in body:
        for field in ("latitude", "longitude"):
            yield field, body["coordinates"][field], getattr(listed, field)


def _same(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, float) and isinstance(actual, float | int):
        return abs(wanted - actual) < _NEAR
    return bool(wanted == actual)


def _read_item(item: Any) -> Listed | Unreadable:
    if not isinstance(item, dict):
        return Unreadable(None, None, "not an object")
    try:
        return _listed(item)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        number, remote_id = item.get("id"), item.get("remote_id")
        sure = not isinstance(item, Doubled)
        known = number if type(number) is int and sure else None
        named = sure and "remote_id" in item and isinstance(remote_id, str | None) and find_fault(remote_id) is None
        reason = str(error.args[0] if isinstance(error, KeyError) else error)[:_MAX_REASON]
        return Unreadable(known, remote_id if named else None, reason, named=named)


def _listed(item: Mapping[str, Any]) -> Listed:
    """Raises KeyError, TypeError, ValueError, OverflowError for an item in another form than the site's."""
    fault = find_fault(item)
    if fault is not None:
        raise ValueError(fault)
    weeks = parse_spans(_text(item, "weeks"))
    if weeks is None:
        raise ValueError("weeks")
    return Listed(
        number=_whole(item["id"]),
        remote_id=_maybe(item, "remote_id"),
        title=_text(item, "title"),
        description=_text(item, "description"),
        employer_name=_text(item, "employer_name"),
        employer_description=_maybe(item, "employer_description"),
        employer_website=_maybe(item, "employer_website"),
        street=_maybe(item, "street"),
        zipcode=_text(item, "zipcode"),
        city=_text(item, "city"),
        latitude=_degrees(item.get("latitude")),
        longitude=_degrees(item.get("longitude")),
        sector=_sectors().get(_text(item, "sector").casefold()),
        weeks=weeks,
        levels=_levels(item),
        permalink=_maybe(item, "permalink") or None,
        url=_without_query(_text(item, "url")),
        is_public=item.get("is_public") is True,
        accessible=item.get("handicap_accessible") is True,
        rep=item.get("rep") is True,
        qpv=item.get("qpv") is True,
    )


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _maybe(item: Mapping[str, Any], name: str) -> str | None:
    return None if item.get(name) is None else _text(item, name)


def _without_query(url: str) -> str:
    try:
        return urlsplit(url)._replace(query="").geturl()
    except ValueError:
        raise ValueError("url") from None  # Python's own message quotes it


def _levels(item: Mapping[str, Any]) -> tuple[str, ...]:
    levels = item["grades"]
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise TypeError("grades")
    return tuple(levels)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("id")
    return value


def _degrees(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@cache
def _sectors() -> Mapping[str, str]:
    """The sectors' codes by their labels; the site shows only labels."""
    return {item["name"].casefold(): item["code"] for item in reference("sectors")["items"]}
