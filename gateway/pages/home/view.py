"""The home page: live offers, the twelve systems, what the federation is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.pages.base.page import Answer, Language, Page, views_behind
from gateway.pages.home.model import HomeFacts, home
from gateway.pages.map.outlines import drawn_departments, outlines

REFRESH_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class HomePort:
    """What the page needs of the gateway. ``facts`` returns None while the views are behind; it may return the same
    facts for a few seconds. ``map_bounds``: the operator's classes of the map, None for those of the season.
    """

    facts: Callable[[], Awaitable[HomeFacts | None]]
    late_exchanges: int
    down_hours: int
    map_bounds: Sequence[int] | None


def pages(port: HomePort) -> Sequence[Page]:
    """The home page."""

    async def get(_request: web.Request, _language: Language) -> Answer:
        facts = await port.facts()
        if facts is None:
            raise views_behind()
        return Answer("home/home.html", lambda: _values(facts, port), made_of=facts)

    return [Page("home", {"fr": "/", "en": "/en/"}, get, live=True)]


def _values(facts: HomeFacts, port: HomePort) -> Mapping[str, Any]:
    return {
        "home": home(facts, bounds=port.map_bounds),
        "outlines": outlines(),
        "of": len(drawn_departments()),
        "late_exchanges": port.late_exchanges,
        "down_hours": port.down_hours,
        "refresh": REFRESH_SECONDS,
    }
