"""The page of the systems. A pause and its end ask for a reason first; a run that waits, for its confirmation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from gateway.federation import Federation
from gateway.federation.systems import DAYS, Systems, SystemsFacts
from gateway.operate.desk import MAX_CONFIRMED, RefusedActError
from gateway.operate.feeds import run_feed, set_paused
from gateway.pages.base.columns import table_of, wants_file
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, Redirect, operator_page, views_behind
from gateway.pages.base.reason import ReasonField, read_reason
from gateway.pages.base.texts import texts_of
from gateway.pages.map.outlines import outlines
from gateway.pages.systems.drawing import drawing
from gateway.pages.systems.flow import flow
from gateway.pages.systems.model import KINDS, Overview, SystemRow, columns, overview
from gateway.pages.systems.territory import areas
from gateway.protocol.journal import MAX_CHARACTERS
from gateway.protocol.topic import JOURNAL, RUNS
from schemas.closed_list import closed_list

REFRESH_SECONDS = 5
_ACTIONS = closed_list("feed_action")
_EMPTY = ReasonField("", None)


def pages(federation: Federation) -> Sequence[Page]:
    """The page."""
    shell = _SystemsPage(federation)
    return [operator_page("systems", "", "", shell.show, shell.act, live=True)]


@dataclass(frozen=True, slots=True)
class _RowAct:
    """An act on the feed of a system."""

    action: str
    row: SystemRow


class _SystemsPage:
    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._systems = Systems(federation)

    async def show(self, request: web.Request, language: Language) -> Answer | Download:
        facts = await self._facts()
        found = overview(facts, language)
        if "act" in request.query:
            act = _act(found, request.query["act"], request.query.get("platform", ""))
            return _form(found, act, reason=_EMPTY)
        texts, wanted = texts_of("systems", language), request.query.get("state", "")
        if wanted not in ("", *KINDS):
            raise PageError(400)
        tables = [
            table_of(
                request.query,
                columns(texts),
                [row for row in rows if wanted in ("", row.condition)],
                kept={"state": wanted},
            )
            for rows in (found.rows, found.others)
        ]
        if wants_file(request.query):
            every = replace(tables[0], rows=[*tables[0].rows, *tables[1].rows])
            return every.csv("systemes.csv" if language == "fr" else "systems.csv", texts)
        done = _done(found, request.query.get("done", ""), request.query.get("platform", ""))
        flowed = flow(facts)
        return Answer(
            "systems/systems.html",
            {
                "found": found,
                "tables": tables,
                "wanted": wanted,
                "conditions": [
                    one for one in KINDS if any(row.condition == one for row in (*found.rows, *found.others))
                ],
                "now": found.now,
                "days": DAYS,
                "done": done,
                "refresh": REFRESH_SECONDS,
                "areas": areas(found.rows),
                "outlines": outlines(),
                "flow": flowed,
                "drawing": drawing(flowed),
            },
        )

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        """Pause, resume or run a feed. A pause needs a reason."""
        form, signed = form_of(request), session_of(request)
        found = await self._overview(language)
        act = _act(found, form.text("act"), form.text("platform"))
        reason = read_reason(form.text("reason"), required=act.action == "pause")
        if reason.wrong:
            return _form(found, act, reason=reason, status=422)
        confirm = whole_number(form.text("confirm"), most=MAX_CONFIRMED)
        if form.text("confirm") and confirm is None:
            raise PageError(400)
        platform, desk = act.row.platform or "", self._federation.desk(signed.actor, reason.kept)
        known, refused = await self._federation.runs.paused(), None
        try:
            if act.action == "run":
                await run_feed(desk, platform, confirm=confirm, known=known)
            else:
                changed, _ = await set_paused(desk, platform, paused=act.action == "pause", known=known)
                refused = None if changed else "already"
                await self._federation.wait_until_displayed(RUNS, JOURNAL)
        except RefusedActError as error:
            if error.refusal == "no-feed":
                raise PageError(404) from error
            refused = "paused"
        if refused is None:
            return Redirect("systems", {"done": act.action, "platform": platform})
        found = await self._overview(language)
        return _form(found, _act(found, act.action, platform), reason=reason, refused=refused)

    async def _overview(self, language: Language) -> Overview:
        return overview(await self._facts(), language)

    async def _facts(self) -> SystemsFacts:
        if not self._federation.caught_up:
            raise views_behind()
        return await self._systems.facts()


def _act(found: Overview, action: str, platform: str) -> _RowAct:
    """Raises PageError: 400 for another act, 404 for a platform without a feed."""
    row = next((one for one in (*found.rows, *found.others) if one.has_feed and one.platform == platform), None)
    if row is None or action not in _ACTIONS:
        raise PageError(404 if action in _ACTIONS else 400)
    return _RowAct(action, row)


def _form(
    found: Overview, act: _RowAct, *, reason: ReasonField, refused: str | None = None, status: int = 200
) -> Answer:
    values: dict[str, Any] = {
        "act": act.action,
        "now": found.now,
        "row": act.row,
        "reason": reason,
        "refused": refused,
        "most": MAX_CHARACTERS,
    }
    return Answer("systems/feed.html", values, status=status if refused is None else 409)


def _done(found: Overview, action: str, platform: str) -> _RowAct | None:
    """The act that was just done, if the systems agree: an address alone says nothing."""
    try:
        act = _act(found, action, platform)
    except PageError:
        return None
    return act if (act.row.paused_at is not None) == (action == "pause") else None
