"""The pages of the reference: one for fields, rules and requirements, and one each for what belongs to them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web

from gateway.pages.base.page import Answer, Handler, Language, Page, PageError
from gateway.pages.base.texts import texts_of
from gateway.pages.reference import rules
from gateway.pages.reference.calendars import ZONES, school_years
from gateway.pages.reference.interfaces import operations, topics
from gateway.pages.reference.lists import list_views
from gateway.protocol.paris_time import paris_date
from schemas.closed_list import closed_list
from schemas.codelist import sectors_by_naf
from schemas.kit_cases import kit_cases, kit_version
from schemas.requirements import sentences
from schemas.rulebook import RULES_VERSION, SCHEMA_VERSION, catalogue

ROLES = list(dict.fromkeys((*closed_list("role"), *closed_list("kit_role"))))
"""Those that a certificate names come first, in its order."""
PARTS: Mapping[str, Mapping[Language, str]] = {
    "reference": {"fr": "/reference", "en": "/en/reference"},
    "reference_fields": {"fr": "/reference/champs", "en": "/en/reference/fields"},
    "reference_lists": {"fr": "/reference/listes", "en": "/en/reference/lists"},
    "reference_calendars": {"fr": "/reference/calendriers", "en": "/en/reference/calendars"},
    "reference_interfaces": {"fr": "/reference/interfaces", "en": "/en/reference/interfaces"},
    "reference_kit": {"fr": "/reference/kit", "en": "/en/reference/kit"},
}
"""The addresses of the pages, in their order."""
RULE: Mapping[Language, str] = {"fr": "/reference/{part}", "en": "/en/reference/{part}"}
"""The address of one requirement by its id, or of one rule by its code."""
_EXAMPLE = "OFR-014"
_MAX_QUERY, _MAX_FOUND = 100, 40
View = Callable[[Language, date], Mapping[str, Any]]
"""Takes the reader's language and the day."""


def pages(clock: Callable[[], int]) -> Sequence[Page]:
    """Every page of the reference. ``clock``: milliseconds since 1970."""
    found = [Page(name, PARTS[name], _serving(f"reference/{name}.html", view, clock)) for name, view in VIEWS.items()]
    return [*found, Page("reference_rule", RULE, _rule, example=_EXAMPLE)]


async def _rule(request: web.Request, language: Language) -> Answer:
    name = request.match_info["part"]
    topic = rules.topics(language).get(name)
    if topic is None:
        raise PageError(404)
    values = {"name": name, "topic": topic, "parts": list(PARTS)}
    return Answer("reference/reference_rule.html", values, made_of=name)


def _rules(language: Language, _on: date) -> Mapping[str, Any]:
    return {
        "query": "",
        "families": rules.families(language),
        "counts": {"fields": len(rules.fields(language)), "requirements": len(sentences()), "rules": len(catalogue())},
        "versions": {"schema": SCHEMA_VERSION, "rules": RULES_VERSION},
    }


def _lists(language: Language, _on: date) -> Mapping[str, Any]:
    head = str(texts_of("reference", language)("divisions"))
    return {"lists": list_views(language, head), "naf": len(sectors_by_naf())}


VIEWS: Mapping[str, View] = {
    "reference": _rules,
    "reference_fields": lambda language, _: {"fields": rules.fields(language)},
    "reference_lists": _lists,
    "reference_calendars": lambda language, on: {"years": school_years(language, on), "zones": ZONES},
    "reference_interfaces": lambda language, _: {"subjects": operations(language), "topics": topics()},
    "reference_kit": lambda _, __: {
        "version": kit_version(),
        "cases": {role: len(kit_cases(role)) for role in ROLES},
    },
}
"""The content of each page. The data is packaged: but for the order of years, a page changes with a release only."""


def _serving(template: str, view: View, clock: Callable[[], int]) -> Handler:
    async def get(request: web.Request, language: Language) -> Answer:
        query = " ".join(request.query.get("q", "").split())[:_MAX_QUERY]
        if query and view is _rules:
            fields, found = rules.search(query, language)
            values = {"query": query, "fields": fields, "found": found[:_MAX_FOUND], "all": len(found)}
            return Answer("reference/search.html", {"parts": list(PARTS), **values}, query={"q": query})
        on = date.fromisoformat(paris_date(clock()))
        return Answer(template, lambda: {"parts": list(PARTS), **view(language, on)}, made_of=on)

    return get
