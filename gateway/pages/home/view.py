"""The home page: live offers, the twelve systems, what the federation is."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.federation.figures import Figures, PublicFigures
from gateway.operate.health import HOUR_MS, HealthTerms
from gateway.pages.base.page import Answer, Language, Page, views_behind
from gateway.pages.base.texts import texts_of
from gateway.pages.home.model import home
from gateway.pages.map.outlines import drawn_departments, outlines

REFRESH_SECONDS = 5


def pages(figures: Figures, terms: HealthTerms, *, map_bounds: Sequence[int] | None = None) -> Sequence[Page]:
    """The home page. ``map_bounds``: the operator's classes of the map, None for those of the season."""

    async def get(_request: web.Request, language: Language) -> Answer:
        known = await figures.get()
        if known is None:
            raise views_behind()
        return Answer("home/home.html", lambda: values(known, language), made_of=known)

    def values(known: PublicFigures, language: Language) -> Mapping[str, Any]:
        return {
            "home": home(known, bounds=map_bounds),
            "outlines": outlines(),
            "map_texts": texts_of("map", language),
            "of": len(drawn_departments()),
            "late_exchanges": terms.late_exchanges,
            "down_hours": terms.down_ms // HOUR_MS,
            "refresh": REFRESH_SECONDS,
        }

    return [Page("home", {"fr": "/", "en": "/en/"}, get, live=True)]
