"""Statistics over HTTP: what submissions came to, counted; one's own, or with ``operate`` those of all (SEC-014)."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

from aiohttp import hdrs, web
from multidict import MultiMapping

from gateway.api.answer import PRIVATE, send_list
from gateway.api.auth import requires, scope_missing
from gateway.api.context import SCOPES, federation_of, partner_of, today
from gateway.api.problem import ProblemError
from gateway.api.query import Parameters, valid
from gateway.api.readiness import require_caught_up
from gateway.api.work import work_of
from gateway.federation.statistics import count_row, counts_csv
from gateway.protocol.identity import is_slug
from gateway.protocol.statistics import DIMENSIONS, Dimension
from gateway.runtime.accept_header import weights_of
from gateway.store.statistics import SubmissionCount, first_kept_day
from schemas.bilingual import Bilingual

DEFAULT_DAYS = 30
"""The days of an answer to a request without ``from``, the last one included."""
MAX_ROWS = 10_000
_DEFAULT_GROUP: tuple[Dimension, ...] = ("platform", "day", "verdict")
_DAY = re.compile("20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_EXAMPLE = "2027-01-15"
_FIRST = Bilingual(f"{_EXAMPLE}, not after `to`", f"{_EXAMPLE}, au plus tard le jour de `to`")
_FEWER = Bilingual(
    "at most 10,000 rows: fewer days, platforms or names in `group`",
    "au plus 10\u202f000 lignes\u00a0: moins de jours, de plateformes ou de noms dans `group`",
)
_HEADERS = {**PRIVATE, hdrs.VARY: f"{hdrs.AUTHORIZATION}, {hdrs.ACCEPT}"}
_AT_ONCE = timedelta(days=6)
"""From the first to the last of the days that are read at once."""
_CSV = "text/csv"
_JSON = "application/json"
_Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """Days, both included; the dimensions in the order of ``DIMENSIONS``; the platforms, empty where none is named."""

    first: date
    last: date
    by: tuple[Dimension, ...]
    platforms: frozenset[str]


@requires("offers:read", "offers:publish", "operate")
async def get_statistics(request: web.Request) -> web.StreamResponse:
    """``GET /v1/statistics``."""
    federation, own = federation_of(request), partner_of(request).platform
    query = read_statistics_query(request.query, today(federation))
    platforms: Collection[str] | None = query.platforms or None
    if "operate" not in request[SCOPES]:
        if not query.platforms <= {own}:
            raise scope_missing("operate")
        platforms = (own,)
    require_caught_up(federation.statistics)
    rows = [count_row(query.by, count) for count in await _counts(request, query, platforms)]
    if takes_csv(request.headers.getall(hdrs.ACCEPT, ())):
        return _send_csv(query, rows)
    rest = {"from": query.first.isoformat(), "to": query.last.isoformat(), "group": query.by}
    return await send_list(request, "statistics", rows, rest, _HEADERS)


async def _counts(
    request: web.Request, query: StatisticsQuery, platforms: Collection[str] | None
) -> Sequence[SubmissionCount]:
    """The counts by the names of ``group``, in order; read a week at a time, in slices that other requests run between,
    and the refused offers for all days at once. Raises ProblemError when they are too many.
    """
    federation, work = federation_of(request), work_of(request)
    view, earliest = federation.statistics, max(query.first, first_kept_day(federation.clock()))
    last = min(query.last, today(federation) + timedelta(days=1))  # of a process whose clock is ahead
    totals: Counter[_Key] = Counter()
    first = earliest
    while first <= last:
        until = min(last, first + _AT_ONCE)
        read = view.sums(first, until, by=query.by, platforms=platforms, most=MAX_ROWS + 1)
        for key, number in await work.read(read, items=MAX_ROWS):
            totals[key] += number
        if len(totals) > MAX_ROWS:
            raise ProblemError("parameter-invalid", parameter="group", actual=",".join(query.by), expected=_FEWER)
        first = until + timedelta(days=1)
    offers = await work.read(view.offers(earliest, last, by=query.by, platforms=platforms), items=MAX_ROWS)
    return [
        SubmissionCount.of(query.by, key, number, offers.get(key))
        for key, number in sorted(totals.items(), key=lambda one: one[0])
    ]


def read_statistics_query(given: MultiMapping[str], on: date) -> StatisticsQuery:
    """Parse the query string on a day. Raises ProblemError."""
    with Parameters(given, ("from", "to", "platform", "group")) as parameters:
        last = parameters.one("to", _day, _EXAMPLE) or on
        first = parameters.one("from", lambda text: _until(_day(text), last), _FIRST)
        platforms = parameters.several("platform", is_slug, "bretagne")
        names = parameters.several("group", DIMENSIONS.__contains__, ", ".join(DIMENSIONS))
    by = tuple(name for name in DIMENSIONS if name in names) or _DEFAULT_GROUP
    return StatisticsQuery(
        first=first or last - timedelta(days=DEFAULT_DAYS - 1), last=last, by=by, platforms=platforms
    )


def takes_csv(accepted: Sequence[str]) -> bool:
    """Whether ``Accept`` prefers CSV to JSON, by the weights of RFC 9110. JSON where it names neither."""
    weights = weights_of(accepted)
    return weights.get(_CSV, weights.get("text/*", 0.0)) > weights.get(_JSON, 0.0)


def _day(text: str) -> date:
    return date.fromisoformat(valid(text, _DAY.fullmatch(text) is not None))


def _until(first: date, last: date) -> date:
    return valid(first, first <= last)


def _send_csv(query: StatisticsQuery, rows: Sequence[dict[str, Any]]) -> web.Response:
    name = f"statistics-{query.first.isoformat()}-{query.last.isoformat()}.csv"
    headers = {
        **_HEADERS,
        hdrs.CONTENT_TYPE: f"{_CSV}; charset=utf-8; header=present",
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
    }
    return web.Response(body=counts_csv(query.by, rows), headers=headers)


ROUTES: Sequence[web.RouteDef] = (web.get("/v1/statistics", get_statistics),)
