"""The page: GET shows the empty form, POST opens a sample, studies it again with the choices, gives the profile, or
sends it to the operator.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import structlog
from aiohttp import web

from gateway.pages.base.page import Answer, Download, Language, Page
from gateway.pages.base.refusal import PageRefusedError, Sentence
from gateway.pages.base.texts import texts_of
from gateway.pages.base.upload import Form
from gateway.pages.base.visit import Visitors
from gateway.pages.connect import port, state
from gateway.pages.connect.form import ONLINE, choices_of
from gateway.pages.connect.problems import with_labels
from gateway.pages.connect.request import RequestDoor, Typed, typed_in
from gateway.pages.connect.state import ConnectState, StateError
from gateway.pages.connect.view_model import controls_of, describe, states_of, unknown_paths
from gateway.protocol.paris_time import paris_date
from gateway.protocol.seal import Seal
from gateway.runtime.loop import in_thread
from schemas import localized

PATHS: Mapping[Language, str] = {"fr": "/brancher", "en": "/en/connect"}
SAMPLE_BYTES = 1024 * 1024
_OTHER_BYTES = state.MAX_BYTES + 64 * 1024
_FILENAMES: Mapping[Language, str] = {"fr": "profil.json", "en": "profile.json"}
_NOTHING = Typed()
_Result = Answer | Download

log = structlog.get_logger()


def pages(
    visitors: Visitors,
    seal: Seal,
    clock: Callable[[], int],
    days: Callable[[], Mapping[str, str]] = dict,
    requests: RequestDoor | None = None,
) -> Sequence[Page]:
    """The page, and the one of ``requests``, if the operator takes any. ``seal``: of the federation's secret, so that
    every process and replica opens the same states. ``days``: those from which releases of the schema hold.
    """
    shell = _ConnectPage(visitors, seal, clock, days, requests)
    return [Page("connect", PATHS, shell.get, shell.post), *(() if requests is None else (requests.page(),))]


class _ConnectPage:
    def __init__(
        self,
        visitors: Visitors,
        seal: Seal,
        clock: Callable[[], int],
        days: Callable[[], Mapping[str, str]],
        requests: RequestDoor | None,
    ) -> None:
        self._visitors = visitors
        self._seal = seal
        self._clock = clock
        self._days = days
        self._requests = requests

    async def get(self, _request: web.Request, _language: Language) -> _Result:
        self._visitors.expect()
        return Answer("connect/start.html", {"error": None}, made_of=_start)

    async def post(self, request: web.Request, language: Language) -> _Result:
        try:
            async with self._visitors.form(request, most_bytes=SAMPLE_BYTES, other_bytes=_OTHER_BYTES) as form:
                if form.text("do") in ("study", "download", "send"):
                    return await self._continue(request, form, language)
                return await self._open(form, language)
        except PageRefusedError as error:
            log.info("pages.refused", page="connect", code=error.code)
            return _start(error.sentence(language), status=error.status, headers=error.headers)
        except StateError as error:
            log.info("pages.refused", page="connect", code=f"state-{error.code}")
            texts = texts_of("connect", language)
            return _start(Sentence(texts(f"state_{error.code}"), texts(f"state_{error.code}_step")), status=400)

    async def _open(self, form: Form, language: Language) -> _Result:
        content = form.content("sample") or form.content("text")
        if not content.strip():
            texts = texts_of("connect", language)
            return _start(Sentence(str(texts.empty), str(texts.empty_step)), status=422)
        on = date.fromisoformat(paris_date(self._clock()))
        arguments = {"items": form.text("items")[:500] or None, "on": on.isoformat(), "activations": self._days()}
        opened = await self._visitors.work(port.OPEN, arguments, content)
        if "refused" in opened:
            log.info("pages.refused", page="connect", code=opened["refused"]["code"], bytes=len(content))
            return _start(_sentence(opened["refused"], language), status=422)
        log.info("pages.sample_read", bytes=len(content), **_counts(opened["study"]))
        return await self._study(ConnectState(opened["sample"], on), opened["study"], language)

    async def _continue(self, request: web.Request, form: Form, language: Language) -> _Result:
        sealed, now = form.content("state"), self._clock()
        before = await in_thread(lambda: state.open_state(sealed, self._seal, now=now))
        choices = choices_of(form, before)
        arguments = {"choices": choices, "on": before.on.isoformat(), "language": language, "activations": self._days()}
        sample = orjson.dumps(before.sample)
        if form.text("do") == "download":
            log.info("pages.profile_written", fields=len(choices))
            profile = await self._visitors.work(port.PROFILE, arguments, sample)
            return Download(_FILENAMES[language], "application/json", profile["text"].encode())
        typed = typed_in(form)
        if form.text("do") == "send" and self._requests is not None:
            named = {"name": typed.name, "feed": typed.feed, "loopback": self._requests.loopback}
            made = await self._visitors.work(port.REQUEST, {**arguments, **named}, sample)
            errors = await self._requests.send(request, typed, made, language)
            if not errors:
                return Answer("connect/sent.html", {"address": typed.mail})
            typed = replace(typed, errors=errors)
        study = await self._visitors.work(port.STUDY, arguments, sample)
        return await self._study(ConnectState(before.sample, before.on, choices), study, language, typed)

    async def _study(
        self, known: ConnectState, study: Mapping[str, Any], language: Language, typed: Typed = _NOTHING
    ) -> Answer:
        unknown = unknown_paths(study, {name: one for name, one in known.choices.items() if name != ONLINE})
        choices = {name: one for name, one in known.choices.items() if name not in unknown}
        next_state = ConnectState(known.sample, known.on, choices, controls_of(study), states_of(study))
        now = self._clock()
        sealed = await in_thread(lambda: state.close(next_state, self._seal, now=now))
        sending = {"typed": typed, "sends": self._requests is not None, "wrong": bool(typed.errors or unknown)}
        return Answer(
            "connect/connect.html",
            lambda: {"state": sealed, **sending, **describe(study, language, unknown)},
            status=422 if typed.errors or unknown else 200,
        )


def _counts(study: Mapping[str, Any]) -> Mapping[str, Any]:
    """The counts of a study for the log: nothing of it is content."""
    return {"format": study["form"], "items": study["items"], "missing": len(study["missing"]), **study["counts"]}


def _start(error: Sentence | None = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer("connect/start.html", {"error": error}, status=status, headers=headers or {})


def _sentence(problem: Mapping[str, Any], language: Language) -> Sentence:
    """The problem of a sample that cannot be used; one without items has words for a person with a file."""
    if problem["code"] == "items-not-found":
        texts = texts_of("connect", language)
        return Sentence(texts.no_items, texts.no_items_step)
    body = localized(problem, language)
    return Sentence(with_labels(body["message"], {}, language), with_labels(body["fix"], {}, language))
