"""Two pages: a platform's subscriptions with their acts, and the state of all of them for the operator."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.federation import Federation
from gateway.operate.desk import RefusedActError
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.markup import coded
from gateway.pages.base.page import Answer, Language, Page, PageError, Redirect, operator_page
from gateway.protocol.partner import Partner
from gateway.protocol.push import PushRow
from gateway.protocol.record import read_utc
from gateway.protocol.subscription import Subscription
from gateway.push.acts import (
    ACTIONS,
    act_on_subscription,
    delete_subscription,
    newest_secret,
    subscription_document,
)
from gateway.push.attempts import read_attempts
from gateway.push.book import settings_of

_DELETE = "delete"
_MAX_ROWS = 20
_KINDS: Mapping[str, str] = {"active": "fine", "unconfirmed": "look", "failing": "look", "disabled": "blocked"}


def pages(federation: Federation) -> Sequence[Page]:
    """The two pages."""
    shell = _PushPages(federation)
    own: Mapping[Language, str] = {"fr": "/plateforme/envois", "en": "/en/platform/pushes"}
    return [
        Page("pushes", own, shell.show, shell.act, role="platform", private=True),
        operator_page("all_pushes", "/envois", "/pushes", shell.show_all),
    ]


class _PushPages:
    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._book = federation.subscriptions

    async def show(self, request: web.Request, _language: Language) -> Answer:
        await self._book.catch_up()
        done = request.query.get("done", "")
        return await self._list(session_of(request).partner, done=done if done in (*ACTIONS, _DELETE) else "")

    async def act(self, request: web.Request, _language: Language) -> Answer | Redirect:
        """An act on one subscription; a new secret is in this answer alone."""
        form, signed = form_of(request), session_of(request)
        action, name, partner = form.text("act"), form.text("name"), signed.partner
        if action not in (*ACTIONS, _DELETE):
            raise PageError(HTTPStatus.BAD_REQUEST)
        desk, secret = self._federation.desk(signed.actor), self._federation.secret
        try:
            if action == _DELETE:
                await delete_subscription(desk, self._book, partner, name)
                return Redirect("pushes", {"done": action})
            one = await act_on_subscription(
                desk, self._book, partner, name, action, secret=secret, code=form.text("code")
            )
        except RefusedActError as error:
            if error.refusal == "unknown":
                raise PageError(HTTPStatus.NOT_FOUND) from error
            return await self._list(partner, refusal=error.refusal, actual=error.actual or "")
        if action == "rotate":
            return await self._list(partner, secret=(name, newest_secret(secret, partner.platform, one)))
        return Redirect("pushes", {"done": action})

    async def show_all(self, _request: web.Request, _language: Language) -> Answer:
        await self._book.catch_up()
        rows = [
            (partner.name, self._document(partner, one, owner=False))
            for partner in self._federation.partners.all()
            for one in settings_of(self._book.state, partner).items
        ]
        return Answer("pushes/all.html", {"rows": rows, "kinds": _KINDS})

    async def _list(
        self,
        partner: Partner,
        *,
        done: str = "",
        refusal: str = "",
        actual: str = "",
        secret: tuple[str, str] | None = None,
    ) -> Answer:
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
            "secret": secret,
        }
        return Answer("pushes/pushes.html", values, status=HTTPStatus.CONFLICT if refusal else HTTPStatus.OK)

    async def _attempts(self, partner: Partner, one: Subscription) -> Sequence[PushRow]:
        rows, _ = await read_attempts(self._federation.log, partner.platform, one.id)
        return rows[:_MAX_ROWS]

    def _document(self, partner: Partner, one: Subscription, *, owner: bool) -> Mapping[str, Any]:
        missing = {"reason": None, "blocked": None}
        return missing | subscription_document(self._book, partner.platform, one, owner=owner)
