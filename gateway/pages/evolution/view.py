"""The pages of evolution: live offers that a release will refuse, for a platform its own, for an operator all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.impact import find_impact, find_origin
from gateway.federation.platform import platform_names
from gateway.pages.base.columns import table_of, wants_file
from gateway.pages.base.door import session_of
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, operator_page, views_behind
from gateway.pages.base.texts import texts_of
from gateway.pages.evolution.activation import activation_page
from gateway.pages.evolution.model import columns, day_of, lines_of
from gateway.pages.partner.rules import of_rule
from schemas.evolution.process import PRESENT, names
from schemas.rulebook import RELEASE
from schemas.rules.beginning import MARKS

Judging: TypeAlias = Callable[[web.Request, str], AbstractContextManager[object]]
"""The slot of a platform while its offers are judged; refuses where it has none left."""


def pages(federation: Federation, judging: Judging) -> Sequence[Page]:
    """Both pages, and that of the days."""
    shell = _EvolutionPages(federation, judging)
    paths: Mapping[Language, str] = {"fr": "/plateforme/evolutions", "en": "/en/platform/evolution"}
    return [
        Page("evolution", paths, shell.own, role="platform", private=True),
        operator_page("evolutions", "/evolutions", "/evolution", shell.all),
        activation_page(federation),
    ]


class _EvolutionPages:
    def __init__(self, federation: Federation, judging: Judging) -> None:
        self._federation = federation
        self._judging = judging

    async def own(self, request: web.Request, language: Language) -> Answer | Download:
        slug = session_of(request).partner.platform
        return await self._show(request, language, {slug: session_of(request).partner.name}, "offers_history")

    async def all(self, request: web.Request, language: Language) -> Answer | Download:
        return await self._show(request, language, platform_names(self._federation), "moderation")

    async def _show(
        self, request: web.Request, language: Language, platforms: Mapping[str, str], offer_page: str
    ) -> Answer | Download:
        if not self._federation.offers.caught_up:
            raise views_behind()
        origin = find_origin(request.query.get("release", RELEASE))
        platform = request.query.get("platform", "")
        if origin is None or platform not in ("", *platforms):
            raise PageError(400)
        with self._judging(request, session_of(request).partner.platform):
            found = await find_impact(self._federation, [*platforms], origin)
        rules = {one.rule: of_rule(one.rule, language) for one in (*found.warned, *found.judged.rules)}
        topic = self._federation.releases.state
        lines = lines_of(found, rules, platforms, platform, days=topic.days)
        kept = {"release": "" if origin == PRESENT else found.release, "platform": platform}
        table, texts = table_of(request.query, columns(), lines, kept=kept), texts_of("evolution", language)
        if wants_file(request.query):
            return table.csv("evolutions.csv" if language == "fr" else "evolution.csv", texts)
        values: dict[str, Any] = {"impact": found, "table": table, "names": platforms, "platform": platform}
        values |= {
            "offer_page": offer_page,
            "unmet": [
                (rules[one.rule], *day_of(one.rule, one.error_from, topic.days))
                for one in found.warned
                if not one.offers
            ],
        }
        values["activations"] = sorted(topic.activations.values(), key=lambda one: one.begins)
        values["waiting"] = {
            release: [mark for mark, of in MARKS.items() if of == release]
            for release in {*MARKS.values()} - topic.days.keys()
        }
        others = [name for name in names() if name != RELEASE]
        return Answer("evolution/evolution.html", {**values, "releases": [RELEASE, *others], "present": RELEASE})
