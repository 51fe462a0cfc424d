"""The operator's pages of the national site. Orders go to the gateway that owns the account, which alone calls the site
(``gateway.operate.national``); a page waits for the answer for some seconds, then it can be looked at again.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web

from gateway.errors import PositionLostError
from gateway.federation import Federation
from gateway.federation.national import NationalSite, PlanError
from gateway.federation.offers import titles_of
from gateway.federation.platform import platform_names
from gateway.operate.desk import MAX_CONFIRMED, RefusedActError
from gateway.operate.national import (
    Ordered,
    RefusedOrderError,
    account_for,
    answered_so_far,
    carry_out,
    is_possible,
    platform_in,
)
from gateway.pages.base.door import form_of, session_of
from gateway.pages.base.number import whole_number
from gateway.pages.base.page import Answer, Language, Page, PageError, Redirect, operator_page, views_behind
from gateway.pages.base.reason import read_reason
from gateway.pages.base.upload import Form
from gateway.pages.national.model import (
    UNTAKEN,
    accounts_of,
    differs,
    extra_in,
    found_in,
    lines_of,
    minutes_of,
)
from gateway.pages.partner.rules import of_problem, of_rule
from gateway.protocol.delivery import STATES
from gateway.protocol.delivery_order import Adopt, Order, Placed, Reconcile, Replay
from gateway.protocol.seal import Seal, sealed_members

MAX_REFUSED = 50
_WAIT_SECONDS = 3.0
_FRESH_MS = 3_600_000
"""Maximum age of a dry run whose findings are applied."""
_ORDERS = ("reconcile", "replay", "adopt")

log = structlog.get_logger()


def pages(federation: Federation, site: NationalSite) -> list[Page]:
    """Every page of the national site."""
    shell = _NationalPage(federation, site)
    french, english = "/site-national", "/national-site"
    return [
        operator_page("national", french, english, shell.look),
        operator_page("national_plan", f"{french}/plan", f"{english}/plan", shell.plan),
        operator_page("national_order", f"{french}/ordre", f"{english}/order", shell.follow, shell.order),
    ]


class _NationalPage:
    def __init__(self, federation: Federation, site: NationalSite) -> None:
        self._federation = federation
        self._site = site
        self._seal = Seal(federation.secret, purpose="national page")  # of orders in addresses

    async def look(self, request: web.Request, language: Language) -> Answer:
        return await self._look(request, language)

    async def plan(self, _request: web.Request, language: Language) -> Answer:
        plans, failed = None, False
        try:
            plans = await self._site.plan() if self._site.connected else ()
        except PlanError:
            failed = True
        busy = [one for one in plans or () if any(one.queue.values())]
        codes = sum((Counter(one.codes) for one in plans or ()), Counter[str]())
        values: dict[str, Any] = {
            "waiting": plans is None and not failed,
            "failed": failed,
            "plans": plans or (),
            "lines": [(one, minutes_of(one.calls, per_minute=self._site.per_minute)) for one in busy],
            "calls": sum(one.calls for one in busy),
            "codes": [(of_rule(code, language), number) for code, number in codes.most_common()],
            "elsewhere": 0,
        }
        if not self._site.connected:
            values["elsewhere"] = len(await self._federation.deliveries.accounts())
        return Answer("national/plan.html", {**values, "per_minute": self._site.per_minute})

    async def order(self, request: web.Request, language: Language) -> Answer | Redirect:
        """Place an order, and show its answer, or where it will be."""
        form = form_of(request)
        kind, reason = form.text("order"), read_reason(form.text("why"), required=False)
        if kind not in _ORDERS:
            raise PageError(400)
        wrong = "reason" if reason.wrong else self._wrong(kind, form, reason.kept)
        if wrong is not None:
            return await self._look(request, language, wrong=wrong)
        order = _order(kind, form)
        try:
            named = form.text("account") or None
            account = account_for(
                await self._federation.deliveries.accounts(), account=named, platform=platform_in(order)
            )
            desk = self._federation.desk(session_of(request).actor, reason.kept)
            log.info("pages.national_order", order=kind, account=account)
            ordered = await carry_out(desk, order, account=account, seconds=_WAIT_SECONDS)
        except RefusedActError:
            return await self._look(request, language, wrong="account")
        except RefusedOrderError as error:
            return self._answered(account, order, error.answer)
        if ordered.placed.answer is None:
            return Redirect("national_order", {"order": self._sealed(ordered)})
        return self._answered(account, order, ordered.placed.answer)

    async def follow(self, request: web.Request, language: Language) -> Answer:
        """The answer to an order that was placed, once there is one."""
        text = request.query.get("order")
        if text is None:
            return await self._look(request, language)
        ordered = self._opened(text)
        try:
            found = await answered_so_far(self._federation.log, ordered)
        except PositionLostError:  # of a log that was restored since
            raise PageError(404) from None
        if found.placed.answer is None:
            values = {"account": ordered.placed.account, "kind": _kind(ordered.placed.order), "order": text}
            return Answer("national/waiting.html", values)
        return self._answered(ordered.placed.account, ordered.placed.order, found.placed.answer)

    def _wrong(self, kind: str, form: Form, why: str | None) -> str | None:
        """The reason why an order cannot be placed; None if it can. What changes the site follows a dry run, with a
        reason.
        """
        if not is_possible(_order(kind, form)):
            return "platform" if kind == "adopt" else "offers"
        confirm = form.text("confirm").strip()
        if confirm and whole_number(confirm, most=MAX_CONFIRMED) is None:
            return "confirm"
        if not form.text("apply"):
            return None
        payload = self._seal.open(form.text("seen"))
        seen = None if payload is None else sealed_members(payload, list, int)
        if seen is None:  # an order in an address is sealed alike
            return "seen"
        subject, at = seen
        if subject != _subject(kind, form) or self._federation.clock() - at > _FRESH_MS:
            return "seen"
        return None if why else "reason_missing"

    async def _look(self, request: web.Request, language: Language, *, wrong: str | None = None) -> Answer:
        if not self._federation.deliveries.caught_up:
            raise views_behind()
        notes, summaries = await self._federation.deliveries.accounts(), await self._federation.deliveries.summaries()
        accounts = accounts_of(notes, per_minute=self._site.per_minute)
        lines = lines_of(accounts, summaries, notes, platform_names(self._federation))
        every = [
            (delivery.id, part, [of_problem(problem, language) for problem in part.problems])
            for state in UNTAKEN
            for line in lines
            if line.platform is not None and line.states.get(state)
            for delivery in await self._federation.deliveries.listed(line.platform, state, MAX_REFUSED)
            for part in delivery.current()
            if part.state == state
        ]
        untaken = sorted(every, key=lambda one: one[1].since, reverse=True)[:MAX_REFUSED]
        values = {
            "connected": self._site.connected,
            "accounts": accounts,
            "stopped": sum(one.kind != "fine" for one in accounts),
            "as_of": max((one.at for one in accounts), default=None),
            "per_minute": self._site.per_minute,
            "lines": lines,
            "totals": {state: sum(one.states.get(state, 0) for one in lines) for state in STATES},
            "untaken": untaken,
            "titles": await titles_of(self._federation.offers, [offer_id for offer_id, _, _ in untaken]),
            "replayable": any(part.state == "refused" for _, part, _ in untaken),
            "pushing": [
                one for one in self._federation.partners.all() if not one.revoked and one.national_delivery == "self"
            ],
            "wrong": wrong,
            "why": "" if wrong is None else form_of(request).text("why"),
        }
        return Answer("national/national.html", values, status=200 if wrong is None else 422)

    def _answered(self, account: str, order: Order, answer: Mapping[str, Any]) -> Answer:
        kind = _kind(order)
        subject = [kind, order.platform if isinstance(order, Adopt) else account]
        dry = (isinstance(order, Adopt) and not order.apply) or (isinstance(order, Reconcile) and not order.repair)
        error = answer.get("error")
        goes_on = error == "shrinks-too-much" or (error is None and dry and (kind == "adopt" or differs(answer)))
        values = {
            "account": account,
            "kind": kind,
            "platform": subject[1] if kind == "adopt" else None,
            "dry": dry,
            "error": error,
            "found": found_in(answer),
            "differs": differs(answer),
            "extra": extra_in(answer),
            "seen": self._seal.close(orjson.dumps([subject, self._federation.clock()])) if goes_on else None,
        }
        return Answer("national/answer.html", values)

    def _sealed(self, ordered: Ordered) -> str:
        """An order as it is in an address: only this gateway makes one."""
        order = ordered.placed.order
        platform = order.platform if isinstance(order, Adopt) else None
        changes = order.apply if isinstance(order, Adopt) else order.repair if isinstance(order, Reconcile) else True
        members = [ordered.placed.account, ordered.placed.number, ordered.at, _kind(order), platform, changes]
        return self._seal.close(orjson.dumps(members))

    def _opened(self, text: str) -> Ordered:
        payload = self._seal.open(text)
        members = None if payload is None else sealed_members(payload, str, str, int, str, str | None, bool)
        if members is None:
            raise PageError(404)
        account, number, at, kind, platform, changes = members
        if kind == "adopt" and platform is None:
            raise PageError(404)
        order: Order = Replay()
        if kind == "adopt":
            order = Adopt(platform, apply=changes)
        elif kind == "reconcile":
            order = Reconcile(repair=changes)
        return Ordered(Placed(account, number, order), at)


def _order(kind: str, form: Form) -> Order:
    """The order of a form."""
    changes, number = bool(form.text("apply")), whole_number(form.text("confirm").strip(), most=MAX_CONFIRMED)
    match kind:
        case "reconcile":
            return Reconcile(repair=changes, confirm=number)
        case "adopt":
            return Adopt(form.text("platform"), apply=changes, confirm=number)
    return Replay(_offers(form))


def _offers(form: Form) -> tuple[str, ...]:
    return tuple(part.content.decode(errors="replace") for part in form.parts if part.name == "offers")


def _subject(kind: str, form: Form) -> list[str]:
    return [kind, form.text("platform") if kind == "adopt" else form.text("account")]


def _kind(order: Order) -> str:
    return {Reconcile: "reconcile", Adopt: "adopt"}.get(type(order), "replay")
