"""The operator's page of the releases of the schema: which ones replicas know, and the day from which each holds."""

from functools import partial
from typing import Any

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.impact import senders_of
from gateway.operate.activation import SENT_DAYS, activate, announced_day, take_back
from gateway.operate.desk import RefusedActError
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.page import Answer, Language, Page, PageError, Redirect, operator_page, views_behind
from gateway.pages.base.reason import ReasonField, read_reason
from gateway.protocol.journal import MAX_CHARACTERS
from gateway.protocol.release import earliest_day, read_day
from gateway.protocol.topic import JOURNAL

_ACTS = ("activate", "cancel")
_REFUSED = {"release-unknown": 404, "release-early": 422, "day": 422}
"""Status by refusal, 409 for others; each has a text of the page."""


def activation_page(federation: Federation) -> Page:
    """The page."""
    shell = _ActivationPage(federation)
    return operator_page("evolutions_day", "/evolutions/jour", "/evolution/day", shell.show, shell.act)


class _ActivationPage:
    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    async def show(self, _request: web.Request, _language: Language) -> Answer:
        return await self._show()

    async def act(self, request: web.Request, _language: Language) -> Answer | Redirect:
        """Set the day of a release, or take it back."""
        form = form_of(request)
        act, release, reason = form.text("act"), form.text("release"), read_reason(form.text("reason"), required=False)
        if act not in _ACTS:
            raise PageError(400)
        if announced_day(release) is not None and not self._federation.caught_up:
            raise views_behind()
        typed = form.text("day").strip()
        day = read_day(typed)
        if reason.wrong or (day is None and act == "activate"):
            return await self._show(release=release, typed=typed, reason=reason, wrong=None if reason.wrong else "day")
        desk, book = self._federation.desk(session_of(request).actor, reason.kept), self._federation.releases
        try:
            if day is None or act == "cancel":
                await take_back(desk, book, release)
            else:
                force = form.text("force") == "on"
                await activate(desk, book, release, day, senders=partial(senders_of, self._federation), force=force)
        except RefusedActError as error:
            return await self._show(
                release=release, typed=typed, reason=reason, wrong=error.refusal, actual=error.actual
            )
        await self._federation.wait_until_displayed(JOURNAL)
        return Redirect("evolutions_day", {})

    async def _show(
        self,
        *,
        release: str = "",
        typed: str = "",
        reason: ReasonField | None = None,
        wrong: str | None = None,
        actual: str | None = None,
    ) -> Answer:
        book, now = self._federation.releases, self._federation.clock()
        await book.catch_up()
        newest, ends = book.knows[-1], [(name, day) for name in book.knows if (day := announced_day(name))]
        if ends and not self._federation.statistics.caught_up:
            raise views_behind()
        values: dict[str, Any] = {
            "activations": sorted(book.state.activations.values(), key=lambda one: one.begins, reverse=True),
            "replicas": sorted(book.state.replicas.values(), key=lambda one: one.id),
            "lacking": {one.id for one in book.state.lacking(newest)},
            "knows": book.knows,
            "ends": [(name, day, await senders_of(self._federation, name, now)) for name, day in ends],
            "sent_days": SENT_DAYS,
            "release": release or newest,
            "day": typed,
            "earliest": earliest_day(now),
            "reason": reason or ReasonField("", None),
            "wrong": (wrong or "").replace("-", "_"),
            "actual": actual,
            "most": MAX_CHARACTERS,
        }
        status = 200 if wrong is None and not values["reason"].wrong else _REFUSED.get(wrong or "day", 409)
        return Answer("evolution/activation.html", values, status=status)
