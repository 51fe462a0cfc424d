"""Acts on a selection. The list's form is answered with a confirmation that names the number, and asks for the one
reason; its form acts on each. Each has its own entry in the journal; sent again, the form finds each done.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from aiohttp import web

from gateway.errors import LogError
from gateway.federation import Federation
from gateway.federation.moderation import moderate_offer
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.feeds import run_feed, set_paused
from gateway.operate.moderation import Action
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.page import Answer, Language, Page, PageError, operator_page, views_behind
from gateway.pages.base.reason import ReasonField, read_reason
from gateway.pages.base.upload import Form
from gateway.pages.selection.chosen import MAX_CHOSEN, Chosen, TooManyError, read_chosen
from gateway.protocol.journal import MAX_CHARACTERS
from gateway.protocol.submission import Lift, Retire
from gateway.protocol.topic import JOURNAL, OFFERS, RUNS
from gateway.runtime.loop import Wait
from schemas.closed_list import closed_list

_OFFERS: Sequence[Action] = ("moderate", "lift")
_FEEDS: Sequence[str] = closed_list("feed_action")
_WITHOUT_REASON = ("run", "resume")
_ORDER = re.compile(r"[0-9a-f]{16}")
_ORDER_BYTES = 8
_DONE = ("done", "queued")


def pages(federation: Federation, wait: Callable[[web.Request], Wait], *, seconds: float) -> Sequence[Page]:
    """The page; ``wait`` and ``seconds`` as those of the page of any offer."""
    shell = _SelectionPage(federation, wait, seconds)
    return [operator_page("selection", "/selection", "/selection", shell.show, shell.act)]


class _SelectionPage:
    def __init__(self, federation: Federation, wait: Callable[[web.Request], Wait], seconds: float) -> None:
        self._federation = federation
        self._wait = wait
        self._seconds = seconds

    async def show(self, request: web.Request, _language: Language) -> Answer:
        """Nothing is chosen: the page leads to the list from which a selection is sent."""
        return _answer("refused", request.query.get("act", ""), (), status=200, number=0, most=MAX_CHOSEN)

    async def act(self, request: web.Request, language: Language) -> Answer:
        if not self._federation.caught_up:
            raise views_behind()
        form = form_of(request)
        act, order = form.text("every") or form.text("act"), form.text("run")
        known = _OFFERS if form.text("every") else (*_OFFERS, *_FEEDS)
        if act not in known or (order and not _ORDER.fullmatch(order)):
            raise PageError(400)
        try:
            chosen = await read_chosen(self._federation, form, act, language)
        except TooManyError as error:
            return _answer("refused", act, (), status=422, number=error.number, most=MAX_CHOSEN)
        if not chosen:
            return _answer("refused", act, (), status=422, number=0, most=MAX_CHOSEN)
        reason = read_reason(form.text("reason"), required=act not in _WITHOUT_REASON)
        if not form.each("item") or reason.wrong or reason.redacted:
            return _confirm(act, chosen, form, reason)
        desk = self._federation.desk(session_of(request).actor, reason.kept)
        if act in _FEEDS:
            outcomes: Sequence[Chosen] = [one async for one in self._feeds(desk, act, chosen, order)]
        else:
            action = next(one for one in _OFFERS if one == act)
            outcomes = await self._offers(desk, action, chosen, self._wait(request))
        await self._federation.wait_until_displayed(RUNS if act in _FEEDS else OFFERS, JOURNAL)
        failed = any(one.outcome == "failed" for one in outcomes)
        done = sum(one.outcome in _DONE for one in outcomes)
        return _answer("outcome", act, outcomes, status=503 if failed else 200, done=done)

    async def _offers(self, desk: Desk, action: Action, chosen: Sequence[Chosen], wait: Wait) -> Sequence[Chosen]:
        """Every offer with its outcome. After a failure of the log no further one is tried."""
        outcomes: list[Chosen] = []
        commands: dict[int, Retire | Lift] = {}
        for number, one in enumerate(chosen):
            if any(before.outcome == "failed" for before in outcomes[-1:]):
                break
            outcome = "undecided"
            try:
                commands[number] = await moderate_offer(
                    self._federation, desk, action, one.id, wait=wait, seen=one.seen
                )
            except RefusedActError as error:
                outcome = error.refusal
            except LogError:
                outcome = "failed"
            outcomes.append(replace(one, outcome=outcome))
        receipts = self._federation.receipts
        found = await asyncio.gather(
            *(wait(receipts.wait(one.receipt, self._seconds), None) for one in commands.values())
        )
        for number, receipt in zip(commands, found, strict=True):
            if receipt is not None:
                decided = "done" if receipt["verdict"] == "accepted" else "superseded"
                outcomes[number] = replace(outcomes[number], outcome=decided)
        return [*outcomes, *(replace(one, outcome="untried") for one in chosen[len(outcomes) :])]

    async def _feeds(self, desk: Desk, act: str, chosen: Sequence[Chosen], order: str) -> AsyncIterator[Chosen]:
        """Every feed with its outcome. ``order``: the id of the runs that this form orders."""
        known, ordered = await self._federation.runs.paused(), await self._federation.runs.ordered()
        failed = False
        for one in chosen:
            outcome = "untried" if failed else one.outcome or "done"
            try:
                if outcome == "done" and act != "run":
                    await set_paused(desk, one.id, paused=act == "pause", known=known)
                elif outcome == "done" and one.id in ordered and ordered[one.id].id == order:
                    outcome = "ordered"
                elif outcome == "done":
                    await run_feed(desk, one.id, confirm=None, known=known, order=order)
                    outcome = "queued"
            except RefusedActError as error:
                outcome = error.refusal
            except LogError:
                outcome, failed = "failed", True
            yield replace(one, outcome=outcome)


def _confirm(act: str, chosen: Sequence[Chosen], form: Form, reason: ReasonField) -> Answer:
    """The confirmation: what will be done, to how many, and the form that does it. A reason from which contact data was
    removed is displayed before it is kept.
    """
    again = bool(form.each("item"))
    redacted = replace(reason, typed=reason.kept or reason.typed) if reason.redacted else reason
    return _answer(
        "confirm",
        act,
        chosen,
        status=422 if again else 200,
        reason=redacted if again else ReasonField("", None),
        required=act not in _WITHOUT_REASON,
        idle=sum(one.outcome is not None for one in chosen),
        most=MAX_CHARACTERS,
        run=form.text("run") or (os.urandom(_ORDER_BYTES).hex() if act == "run" else None),
    )


def _answer(name: str, act: str, chosen: Sequence[Chosen], *, status: int, **values: object) -> Answer:
    of_feeds = act in _FEEDS
    values |= {"act": act, "chosen": chosen, "back": "systems" if of_feeds else "moderation", "of_feeds": of_feeds}
    return Answer(f"selection/{name}.html", values, status=status, query={"act": act} if act else {})
