"""The form that checks one offer field by field, as the page for texts does. Nothing is stored or published."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson
import structlog
from aiohttp import web

from gateway.pages.base.page import Answer, Language, Page
from gateway.pages.base.refusal import PageRefusedError
from gateway.pages.base.visit import Visitors
from gateway.pages.check.form_fields import SAMPLE_ID, document_of, form_fields, path_of, values_in
from gateway.pages.check.port import Days
from gateway.pages.check.view import LOGGED, SentForm, values_of
from gateway.protocol.paris_time import paris_date
from schemas.rules.beginning import waiting

PATHS: Mapping[Language, str] = {"fr": "/verifier/formulaire", "en": "/en/check/form"}
_TEMPLATE = "check/form.html"
_MAX_BYTES = 64 * 1024
_OFFER = "offer"

log = structlog.get_logger()


def pages(visitors: Visitors, clock: Callable[[], int], days: Callable[[], Days] = dict) -> Sequence[Page]:
    """The page in both languages. ``days``: those from which releases of the schema hold."""

    async def get(_request: web.Request, language: Language) -> Answer:
        visitors.expect()
        today = date.fromisoformat(paris_date(clock()))
        waits = _waiting(today, days())
        values = _values({"id": [SAMPLE_ID]}, language, today, waits)
        return Answer(_TEMPLATE, lambda: {**values_of((), SentForm()), **values}, made_of=(today, waits))

    async def post(request: web.Request, language: Language) -> Answer:
        now = clock()
        today = date.fromisoformat(paris_date(now))
        typed: Mapping[str, Sequence[str]] = {}
        begun = days()
        waits = _waiting(today, begun)
        try:
            async with visitors.form(request, most_bytes=_MAX_BYTES, other_bytes=_MAX_BYTES) as form:
                typed = values_in(form)
                arguments = {"choice": _OFFER, "language": language, "on": today.isoformat(), "activations": begun}
                report = await visitors.work("check", arguments, orjson.dumps(document_of(typed)))
        except PageRefusedError as error:
            log.info("pages.refused", page="check_form", code=error.code)
            values = values_of((), SentForm(), refusal=error.sentence(language))
            return Answer(_TEMPLATE, {**values, **_values(typed, language, today, waits)}, error.status, error.headers)
        log.info("pages.checked", form=True, **{name: report[name] for name in LOGGED})
        wrong = [one for one in report["problems"] if one["severity"] == "error" and path_of(one["pointer"])]
        values = values_of((), SentForm(), report=report, now=now, placed=wrong)
        return Answer(_TEMPLATE, {**values, **_values(typed, language, today, waits, wrong)})

    return [Page("check_form", PATHS, get, post)]


def _waiting(today: date, days: Days) -> frozenset[str]:
    """The marks of what has not begun."""
    return waiting(today, {release: date.fromisoformat(day) for release, day in days.items()})


def _values(
    typed: Mapping[str, Sequence[str]],
    language: Language,
    today: date,
    waits: frozenset[str],
    placed: Sequence[Mapping[str, Any]] = (),
) -> Mapping[str, Any]:
    """The fields, what was typed, and the errors by field."""
    wrong: dict[str, list[Mapping[str, Any]]] = {}
    for problem in placed:
        wrong.setdefault(path_of(problem["pointer"]), []).append(problem)
    return {"fields": form_fields(language, today, waits), "typed": typed, "wrong": wrong}
