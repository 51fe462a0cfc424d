"""The page of refusals. Its filters are parameters of the address, so that a view of it can be passed on as a link."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from operator import itemgetter
from typing import Any

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.platform import platform_names
from gateway.federation.refused import Refused, most_first, refusal_counts, refusal_rows, refused_offers
from gateway.pages.base.columns import Column, SortedTable, table_of, wants_file
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, operator_page, views_behind
from gateway.pages.base.texts import texts_of
from gateway.pages.partner.refused import fields_at_fault, refusals
from gateway.pages.partner.rules import of_rule
from gateway.pages.refusals.model import beside_feeds, by_day, columns, feed_refusals, figures
from gateway.protocol.paris_time import paris_date
from gateway.store.refused_documents import RefusedFilter
from schemas.communes import plain_name

PERIODS: Sequence[int] = (1, 7, 30, 90)
"""Days up to the last one, included."""
_DAYS = 7
_SORTS = ("platform", "day", "offers", "sends")
_RULE = re.compile(r"[a-z0-9-]{0,64}")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")


def pages(federation: Federation) -> Sequence[Page]:
    """The page."""
    shell = _RefusalsPage(federation)
    return [operator_page("refusals", "/refus", "/refusals", shell.show)]


class _RefusalsPage:
    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    async def show(self, request: web.Request, language: Language) -> Answer | Download:
        if not self._federation.caught_up:
            raise views_behind()
        names, today = platform_names(self._federation), date.fromisoformat(paris_date(self._federation.clock()))
        days, day = request.query.get("days", str(_DAYS)), request.query.get("day", "")
        platform, rule = request.query.get("platform", ""), request.query.get("rule", "")
        if (platform and platform not in names) or days not in map(str, PERIODS) or not _RULE.fullmatch(rule):
            raise PageError(400)
        last = _day(day) if day else today
        first = last if day else last - timedelta(days=int(days) - 1)
        platforms = (platform,) if platform else None
        wanted = RefusedFilter(first=first, last=last, platforms=platforms, rule=rule)
        if request.query.get("sort", "") not in ("", *(f"{sign}{one}" for one in _SORTS for sign in ("", "-"))):
            raise PageError(400)
        kept = {"days": days, "day": day, "platform": platform, "rule": rule}
        if wants_file(request.query):
            rows = await refusal_rows(self._federation, wanted)
            file = table_of({}, columns(names, language), rows, kept=kept)
            return file.csv("refus.csv" if language == "fr" else "refusals.csv", texts_of("refusals", language))
        return Answer(
            "refusals/refusals.html",
            {
                "wanted": wanted,
                "platform": platform,
                "day": last if day else None,
                "days": int(days),
                "periods": PERIODS,
                "names": names,
                **await self._numbers(wanted, language, names, request.query, kept),
                **await self._reasons(wanted, language),
            },
        )

    async def _numbers(
        self,
        wanted: RefusedFilter,
        language: Language,
        names: Mapping[str, str],
        query: Mapping[str, str],
        kept: Mapping[str, str],
    ) -> dict[str, object]:
        """Of the platform, or all; by platform and by day those that break the rule, if one is asked for."""
        by_rule = await refusal_counts(self._federation, wanted, "rule")
        by_date = await refusal_counts(self._federation, wanted, "day")
        by_platform = await refusal_counts(self._federation, replace(wanted, platforms=None), "platform")
        chosen = {wanted.rule: Refused(), **by_rule} if wanted.rule else by_rule
        every = await refusal_counts(self._federation, wanted, None)
        any_rule = await refusal_counts(self._federation, replace(wanted, rule=""), "rule")
        choices = [of_rule(code, language) for code in {**any_rule, **({wanted.rule: 0} if wanted.rule else {})}]

        def sorted_by(name: str, cell: Callable[[Any], str], rows: Sequence[tuple[Any, Refused]]) -> SortedTable[Any]:
            by = query if query.get("sort", "").removeprefix("-") in (name, "offers", "sends") else {}
            return table_of(by, [Column(name, cell), *figures(itemgetter(1))], rows, kept=kept)

        return {
            "choices": sorted(choices, key=lambda one: plain_name(one.name.striptags())),
            "total": every.get("", Refused()),
            "rules": [(of_rule(code, language), number) for code, number in most_first(chosen)],
            "by_platform": sorted_by(
                "platform", lambda row: plain_name(names.get(row[0], row[0])), most_first(by_platform)
            ),
            "by_day": sorted_by("day", lambda row: str(row[0]), by_day(by_date, wanted)),
        }

    async def _reasons(self, wanted: RefusedFilter, language: Language) -> dict[str, object]:
        found = await refused_offers(self._federation, wanted)
        named = refusals(found, language)
        feeds = feed_refusals(await self._federation.runs.last(), wanted, language)
        return {
            "refusals": beside_feeds(named, feeds),
            "fields": fields_at_fault(named),
            "texts_of_refusals": texts_of("partner", language),
            "more": found.more,
            "feeds": feeds,
        }


def _day(text: str) -> date:
    """Raises PageError."""
    if _DAY.fullmatch(text) is None or not text.isascii():
        raise PageError(400)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PageError(400) from None
