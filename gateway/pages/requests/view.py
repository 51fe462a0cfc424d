"""The operator's pages of requests to join: those that wait, and one with its dry run and its answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from gateway.federation import Federation
from gateway.notices.request_acts import RIGHT, approve_request, found, listed, refuse_request, try_request
from gateway.operate.desk import Desk, RefusedActError
from gateway.pages.base.columns import table_of, wants_file
from gateway.pages.base.door import Door, form_of, session_of
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, Redirect, operator_page
from gateway.pages.base.texts import texts_of
from gateway.pages.partners.answers import Answers, done
from gateway.pages.partners.form import Errors, PlatformForm, by_field, reason_in, typed_in, wish_of
from gateway.pages.requests.model import TRIALS, columns, fields_of, problems_of, proposal, trial_of
from gateway.protocol.join_request import DryRun, JoinRequest, Kept, step_of

TRIAL_SECONDS = 15.0
"""A page waits so long for a dry run."""
_DONE = ("refused",)
_MAX_UNREAD = 8
"""Dry runs that have ended and that no page has had yet."""

log = structlog.get_logger()


def pages(federation: Federation, door: Door, *, trial_seconds: float) -> Sequence[Page]:
    """Both pages. ``trial_seconds``: how long a page waits for a dry run at most."""
    shell = _RequestPages(federation, door, trial_seconds)
    return [
        operator_page("requests", "/demandes", "/requests", shell.list_all),
        operator_page("requests_one", "/demande", "/request", shell.one, shell.act),
    ]


class _RequestPages:
    def __init__(self, federation: Federation, door: Door, trial_seconds: float) -> None:
        self._federation = federation
        self._trial_seconds = trial_seconds
        self._trials: dict[str, asyncio.Task[DryRun]] = {}
        self._answers = Answers(federation, door)
        self._book = federation.contacts.requests

    async def list_all(self, request: web.Request, language: Language) -> Answer | Download:
        await self._book.catch_up()
        wanted, texts = request.query.get("trial", ""), texts_of("requests", language)
        if wanted not in ("", *TRIALS):
            raise PageError(HTTPStatus.BAD_REQUEST)
        every = listed(self._book.state)
        some = [one for one in every if wanted in ("", trial_of(one))]
        table = table_of(request.query, columns(texts), some, kept={"trial": wanted})
        if wants_file(request.query):
            return table.csv("demandes.csv" if language == "fr" else "requests.csv", texts)
        outcome = next((one for one in _DONE if one == request.query.get("done")), "")
        values = {"table": table, "number": len(every), "trials": TRIALS, "wanted": wanted, "done": outcome}
        return Answer("requests/requests.html", values)

    async def one(self, request: web.Request, language: Language) -> Answer | Download:
        await self._book.catch_up()
        if not request.query.get("id"):
            return await self.list_all(request, language)
        kept = self._known(request.query["id"])
        try:
            return self._one(kept, language, dry_run=self._ended_trial(kept.id))
        except RefusedActError as error:
            return self._one(kept, language, refusal=error.refusal)

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        form = form_of(request)
        await self._book.catch_up()
        await self._federation.partners.catch_up()
        kept = self._known(form.text("id"))
        errors: Errors = {}
        act, actor = form.text("act"), session_of(request).actor
        try:
            match act:
                case "try":
                    dry_run = await self._try(self._federation.desk(actor), kept.id)
                    return self._one(self._known(kept.id), language, dry_run=dry_run)
                case "approve":
                    return await self._approve(request, kept, language)
                case "refuse":
                    why = reason_in(form, "why_refuse", errors)
                    if not why and not errors:
                        errors["why_refuse"] = [("reason_missing", "")]
                    if errors:
                        return self._one(kept, language, why=form.text("why_refuse"), errors=errors)
                    await refuse_request(self._federation.desk(actor, why), self._book, kept.id)
                    log.info("pages.request_refused", request=kept.id)
                    return Redirect("requests", {"done": "refused"})
        except RefusedActError as error:
            if error.refusal == "unknown":
                raise PageError(HTTPStatus.NOT_FOUND) from error
            return self._one(self._known(kept.id), language, refusal=error.refusal)
        raise PageError(HTTPStatus.BAD_REQUEST)

    async def _try(self, desk: Desk, request_id: str) -> DryRun | None:
        """The dry run of a request, one for all who ask meanwhile; None while it still goes on after some seconds."""
        task = self._trials.get(request_id)
        if task is None:
            for ended in [one for one, of in self._trials.items() if of.done()][:-_MAX_UNREAD]:
                del self._trials[ended]
            task = asyncio.create_task(try_request(desk, self._book, request_id, self._federation.rehearse))
            self._trials[request_id] = task
            task.add_done_callback(partial(self._end_trial, request_id))
            log.info("pages.request_tried", request=request_id)
        done, _ = await asyncio.wait({task}, timeout=self._trial_seconds)
        if done:
            self._trials.pop(request_id, None)
        return task.result() if done else None

    def _ended_trial(self, request_id: str) -> DryRun | None:
        """The dry run that has ended since its page was answered. Raises as ``try_request``."""
        task = self._trials.get(request_id)
        return self._trials.pop(request_id).result() if task is not None and task.done() else None

    def _end_trial(self, request_id: str, task: "asyncio.Task[DryRun]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("pages.request_trial_failed", request=request_id, error=type(error).__name__)

    async def _approve(self, request: web.Request, kept: Kept, language: Language) -> Answer | Redirect:
        form = form_of(request)
        typed = typed_in(form)
        wish = wish_of(typed)
        if isinstance(kept, JoinRequest) and trial_of(kept) != "done" and not form.text("untried"):
            wish = {**(wish if isinstance(wish, dict) else {}), "untried": [("untried", "")]}
        if isinstance(wish, dict):
            return self._one(kept, language, typed=replace(typed, errors=wish))
        desk = self._federation.desk(session_of(request).actor, typed.why)
        try:
            partner, minted = await approve_request(desk, self._book, kept.id, typed.slug, wish, secret=typed.secret)
        except RefusedActError as error:
            if error.refusal not in ("invalid", "present"):
                raise
            return self._one(kept, language, typed=replace(typed, errors=by_field(error.findings)))
        log.info("pages.request_approved", request=kept.id, platform=partner.platform)
        if minted is None:
            return done("added", partner)
        return self._answers.secret(partner, minted.text, added=True)

    def _known(self, request_id: str) -> Kept:
        try:
            return found(self._book.state, request_id)
        except RefusedActError:
            raise PageError(HTTPStatus.NOT_FOUND) from None

    def _one(
        self,
        kept: Kept,
        language: Language,
        *,
        dry_run: DryRun | None = None,
        typed: PlatformForm | None = None,
        why: str = "",
        errors: Errors | None = None,
        refusal: str = "",
    ) -> Answer:
        """A request, with what an act has found."""
        wrong = bool(errors or (typed is not None and typed.errors))
        status = HTTPStatus.CONFLICT if refusal else HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
        values: dict[str, Any] = {
            "request": kept,
            "step": step_of(kept),
            "refusal": refusal,
            "trying": kept.id in self._trials and not self._trials[kept.id].done(),
            "partner_texts": texts_of("partners", language),
        }
        if isinstance(kept, JoinRequest):
            values |= self._open(kept, language, dry_run)
            values |= {
                "typed": typed or proposal(kept, kept.trial, self._federation.partners.all()),
                "scopes": (RIGHT,),
                "untried": trial_of(kept) != "done",
                "why": why,
                "errors": errors or {},
            }
        return Answer("requests/request.html", values, status=status, query={"id": kept.id})

    def _open(self, request: JoinRequest, language: Language, dry_run: DryRun | None) -> Mapping[str, Any]:
        mail, feed = request.hosts
        return {
            "mail_domain": mail,
            "feed_host": feed,
            "fields": fields_of(request.mapping, language),
            "trial": request.trial if dry_run is None else dry_run.trial,
            "dry_run": dry_run,
            "failure": "" if dry_run is None or dry_run.failure is None else dry_run.failure[language],
            "problems": () if dry_run is None else problems_of(dry_run.problems, language),
        }
