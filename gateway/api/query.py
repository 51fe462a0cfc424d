"""Queries of the read API: filters and paging from query strings."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from multidict import MultiMapping

import schemas
from gateway.api.parameter import Parameters
from gateway.protocol.identity import is_slug
from gateway.protocol.partner import Partner
from gateway.protocol.visibility import Filter
from schemas.spoken import Spoken

MAX_WAIT = 30
"""Longest long poll, in seconds."""
DEFAULT_LIMIT = 100

_LISTED = ("region", "department", "level", "week", "sector", "platform")
_FILTERS = (*_LISTED, "bbox", "territory")
PAGING = ("limit", "cursor")
_LEVELS = ("quatrieme", "troisieme", "seconde")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_EXAMPLES = 8
_BOX = Spoken("west,south,east,north (WGS 84)", "ouest,sud,est,nord (WGS 84)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A reader's query: filter, cursor, page size, and longest wait (seconds)."""

    asked: Filter
    cursor: str | None
    limit: int
    wait: float


def read_offers_query(given: MultiMapping[str], partner: Partner, *, most: int) -> Query:
    """The query of a list of offers. Raises ProblemError."""
    with Parameters(given, (*_FILTERS, *PAGING)) as parameters:
        asked = _filter(parameters, partner)
        cursor, limit = paging(parameters, most)
    return Query(asked=asked, cursor=cursor, limit=limit, wait=0.0)


def read_changes_query(given: MultiMapping[str], partner: Partner, *, most: int) -> Query:
    """The query of the changes feed. Raises ProblemError."""
    with Parameters(given, (*_FILTERS, *PAGING, "wait")) as parameters:
        asked = _filter(parameters, partner)
        cursor, limit = paging(parameters, most)
        wait = parameters.one("wait", _seconds, f"0..{MAX_WAIT}") or 0.0
    return Query(asked=asked, cursor=cursor, limit=limit, wait=wait)


def read_filter(given: MultiMapping[str], partner: Partner) -> Filter:
    """The filter of an export, which has no paging. Raises ProblemError."""
    with Parameters(given, _FILTERS) as parameters:
        return _filter(parameters, partner)


def paging(parameters: Parameters, most: int) -> tuple[str | None, int]:
    """Cursor and page size, the parameters ``PAGING`` of a list."""
    limit = parameters.integer("limit", least=1, most=most)
    return parameters.text("cursor"), min(DEFAULT_LIMIT, most) if limit is None else limit


def _filter(parameters: Parameters, partner: Partner) -> Filter:
    """The filter; without a region or department, the partner's own territory, unless ``territory=all``."""
    chosen = {name: parameters.several(name, *_vocabulary(name)) for name in _LISTED}
    territory = parameters.choice("territory", ("all",))
    if territory is None and not chosen["region"] and not chosen["department"]:
        chosen["department"] = partner.territory
    return Filter(**chosen, bbox=parameters.one("bbox", _box, _BOX))


def _vocabulary(name: str) -> tuple[Callable[[str], bool], str]:
    """The check of a filter's values, and the text that describes the valid ones."""
    match name:
        case "level":
            return _LEVELS.__contains__, ", ".join(_LEVELS)
        case "week":
            return _is_week, "2027-W24"
        case "platform":
            return is_slug, "bretagne"
        case _:
            codes = _codes(f"{name}s")
            return codes.__contains__, f"{', '.join(list(codes)[:_EXAMPLES])}… (/v1/reference/{name}s)"


@cache
def _codes(name: str) -> Mapping[str, None]:
    return dict.fromkeys(item["code"] for item in schemas.reference(name)["items"])


def _is_week(text: str) -> bool:
    found = _WEEK.fullmatch(text)
    if found is None:
        return False
    try:
        date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    """A number in JSON syntax. Raises ValueError, also for syntax that only Python accepts (`` 5``, ``1_0``)."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return float(text)


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not 0 <= seconds <= MAX_WAIT:
        raise ValueError(text)
    return seconds


def _box(text: str) -> tuple[float, float, float, float]:
    west, south, east, north = map(_number, text.split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError(text)
    return west, south, east, north
