"""Two pages: a platform's subscriptions with their acts, and the state of all of them for the operator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from http import HTTPStatus
from typing import Any, TypeAlias

from aiohttp import web

from gateway.federation import Federation
from gateway.operate.desk import Desk, RefusedActError
from gateway.pages.base.columns import Column, table_of, wants_file
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.markup import coded
from gateway.pages.base.page import Answer, Download, Language, Page, PageError, Redirect, operator_page
from gateway.pages.base.texts import Texts, texts_of
from gateway.pages.pushes.form import SettingsForm, errors_of, filter_choices, settings_present, settings_typed
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.push import PushRow
from gateway.protocol.record import read_utc
from gateway.protocol.subscription import MAX_SUBSCRIPTIONS, Subscription
from gateway.push.acts import (
    ACTIONS,
    act_on_subscription,
    delete_subscription,
    newest_secret,
    put_subscription,
    subscription_document,
)
from gateway.push.attempts import read_attempts
from gateway.push.book import settings_of
from schemas.communes import plain_name

_DELETE, _SET = "delete", "set"
_MAX_ROWS = 20
_KINDS: Mapping[str, str] = {"disabled": "blocked", "failing": "look", "unconfirmed": "look", "active": "fine"}
"""By state its shape, in the order of the operator's list."""
_Row: TypeAlias = tuple[str, Mapping[str, Any]]
"""The name of a platform, and one of its subscriptions as anybody else reads it."""


def pages(federation: Federation) -> Sequence[Page]:
    """The two pages."""
    shell = _PushPages(federation)
    own: Mapping[Language, str] = {"fr": "/plateforme/abonnements", "en": "/en/platform/subscriptions"}
    return [
        Page("pushes", own, shell.show, shell.act, role="platform", private=True),
        operator_page("partners_pushes", "/abonnements", "/subscriptions", shell.show_all),
    ]


def _columns(texts: Texts) -> Sequence[Column[_Row]]:
    """The columns of the operator's list, and of its file."""
    return (
        Column("platform", lambda row: row[0], lambda row: plain_name(row[0])),
        Column("name", lambda row: row[1]["name"]),
        Column(
            "state", lambda row: str(texts(f"state_{row[1]['state']}")), lambda row: [*_KINDS].index(row[1]["state"])
        ),
        Column("url", lambda row: row[1]["url"]),
        Column("refused_offer", lambda row: (row[1]["blocked"] or {}).get("offer")),
    )


class _PushPages:
    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._book = federation.subscriptions

    async def show(self, request: web.Request, language: Language) -> Answer:
        await self._book.catch_up()
        done = request.query.get("done", "")
        done = done if done in (*ACTIONS, _DELETE, _SET) else ""
        partner = session_of(request).partner
        one = settings_of(self._book.state, partner).get(request.query.get("edit", ""))
        return await self._list(partner, language, done=done, typed=None if one is None else settings_present(one))

    async def act(self, request: web.Request, language: Language) -> Answer | Redirect:
        """An act on one subscription; a new secret is in this answer alone."""
        form, signed = form_of(request), session_of(request)
        action, name, partner = form.text("act"), form.text("name"), signed.partner
        if action not in (*ACTIONS, _DELETE, _SET):
            raise PageError(HTTPStatus.BAD_REQUEST)
        desk, secret = self._federation.desk(signed.actor), self._federation.secret
        try:
            match action:
                case "delete" if form.text("sure") != "1":
                    await self._book.catch_up()
                    one = settings_of(self._book.state, partner).get(name)
                    if one is None:
                        raise PageError(HTTPStatus.NOT_FOUND)
                    return Answer("pushes/delete.html", {"one": self._document(partner, one, owner=True)})
                case "delete":
                    await delete_subscription(desk, self._book, partner, name)
                case "set":
                    return await self._set(desk, partner, settings_typed(form), language)
                case _:
                    named = form.text({"confirm": "code", "skip": "offer"}.get(action, ""))
                    one = await act_on_subscription(desk, self._book, partner, name, action, secret=secret, named=named)
                    if action == "rotate":
                        return await self._list(partner, language, secret=(one, action))
        except RefusedActError as error:
            if error.refusal == "unknown":
                raise PageError(HTTPStatus.NOT_FOUND) from error
            typed = settings_typed(form) if action == _SET else None
            return await self._list(partner, language, refusal=error.refusal, actual=error.actual or "", typed=typed)
        return Redirect("pushes", {"done": action})

    async def _set(self, desk: Desk, partner: Partner, typed: SettingsForm, language: Language) -> Answer | Redirect:
        """Set a subscription as the form says. Raises RefusedActError but for faults of its fields."""
        try:
            one, before = await put_subscription(
                desk, self._book, partner, typed.name, typed.wish(self._federation.waiting), new=not typed.replaces
            )
        except RefusedActError as error:
            if error.refusal != "subscription-invalid":
                raise
            missing = {} if typed.url else {"url": str(texts_of("pushes", language)("url_missing"))}
            errors = {**errors_of(error.findings, language), **missing}
            return await self._list(partner, language, typed=replace(typed, errors=errors))
        if before is None:
            return await self._list(partner, language, secret=(one, _SET))
        return Redirect("pushes", {"done": _SET})

    async def show_all(self, request: web.Request, language: Language) -> Answer | Download:
        await self._book.catch_up()
        wanted, texts = request.query.get("state", ""), texts_of("pushes", language)
        if wanted not in ("", *_KINDS):
            raise PageError(HTTPStatus.BAD_REQUEST)
        rows = [
            (partner.name, document)
            for partner in self._federation.partners.all()
            for one in settings_of(self._book.state, partner).items
            if wanted in ("", (document := self._document(partner, one, owner=False))["state"])
        ]
        rows.sort(key=lambda row: ([*_KINDS].index(row[1]["state"]), plain_name(row[0]), row[1]["name"]))
        table = table_of(request.query, _columns(texts), rows, kept={"state": wanted})
        if wants_file(request.query):
            return table.csv("abonnements.csv" if language == "fr" else "subscriptions.csv", texts)
        return Answer("pushes/all.html", {"table": table, "kinds": _KINDS, "wanted": wanted})

    async def _list(
        self,
        partner: Partner,
        language: Language,
        *,
        done: str = "",
        refusal: str = "",
        actual: str = "",
        secret: tuple[Subscription, str] | None = None,
        typed: SettingsForm | None = None,
    ) -> Answer:
        typed, today = typed or SettingsForm(), date.fromisoformat(paris_date(self._federation.clock()))
        found = [
            (self._document(partner, one, owner=True), await self._attempts(partner, one))
            for one in settings_of(self._book.state, partner).items
        ]
        values = {
            "found": found,
            "kinds": _KINDS,
            "reads": "offers:read" in partner.scopes,
            "done": done,
            "refusal": refusal.replace("-", "_"),
            "actual": actual,
            "until": read_utc(actual) if refusal == "subscription-rotating" else None,
            "seconds": int(actual) if refusal == "subscription-too-often" else 0,
            "coded": coded,
            "secret": None if secret is None else (secret[0].name, self._secret(partner, secret[0]), secret[1]),
            "typed": typed,
            "choices": filter_choices(typed, language, today, self._federation.waiting),
            "most": MAX_SUBSCRIPTIONS,
        }
        wrong = HTTPStatus.UNPROCESSABLE_ENTITY if typed.errors else HTTPStatus.OK
        return Answer("pushes/pushes.html", values, status=HTTPStatus.CONFLICT if refusal else wrong)

    def _secret(self, partner: Partner, one: Subscription) -> str:
        return newest_secret(self._federation.secret, partner.platform, one)

    async def _attempts(self, partner: Partner, one: Subscription) -> Sequence[PushRow]:
        rows, _ = await read_attempts(self._federation.log, partner.platform, one.id)
        return rows[:_MAX_ROWS]

    def _document(self, partner: Partner, one: Subscription, *, owner: bool) -> Mapping[str, Any]:
        missing = {"reason": None, "blocked": None}
        return missing | subscription_document(self._book, partner.platform, one, owner=owner)
