"""Role *subscriber*: the kit serves a scripted changes feed and compares the partner's state."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import aiohttp

from conformance.model.case import Case, Script
from conformance.model.result import Exchange, Finding
from conformance.model.step import Hold, Order, Serve
from conformance.role.control import Control
from conformance.role.host import Host, HostAnswer, PartnerRequest, hosting, problem
from conformance.role.scripted_feed import Page, ScriptedFeed
from conformance.role.verify import UnverifiableError
from conformance.script.document import sound_offer
from conformance.script.matcher import mismatches
from conformance.script.names import Names
from conformance.script.template import fill
from conformance.target.setup import Setup, SetupError
from conformance.words import Texts, joined, plain, say

_FRESH = "2026-01-01T00:00:00Z"
_TERRITORY = {"department": "35", "region": "53", "academie": "rennes"}


class SubscriberRole:
    """Runs cases for a subscriber, each with a feed of its own."""

    def __init__(self, setup: Setup, control: Control, host: Host, *, seed: str, day: Callable[[], date]) -> None:
        self._setup = setup
        self._control = control
        self._host = host
        self._seed = seed
        self._day = day
        self._feed = ScriptedFeed()
        self.journal: list[Exchange] = []

    async def play(self, case: Case) -> list[Finding]:
        """The findings of a case. Raises UnverifiableError, SetupError, PartnerFailedError."""
        if not isinstance(case.subject, Script):
            raise UnverifiableError(say("other-case"))
        self._feed = ScriptedFeed()
        await self._control.order("reset")
        names = Names(
            seed=self._seed,
            case=case.id,
            day=self._day(),
            platforms={"publisher": "bretagne", "subscriber": self._setup.accounts["subscriber"].platform},
        )
        for number, step in enumerate(case.subject.steps, start=1):
            match step:
                case Serve(pages):
                    self._feed.script([_page(page, names) for page in pages])
                case Order():
                    await self._control.order(step.action)
                case Hold(expect):
                    findings = await self._compare(fill(dict(expect), names), say("step", number=number))
                    if findings:
                        return findings
                case _:
                    raise UnverifiableError(say("other-step"))
        return []

    async def _compare(self, expect: Mapping[str, Any], location: Texts) -> list[Finding]:
        held = await self._control.offers()
        findings: list[Finding] = []
        for offer_id, matcher in expect.get("holds", {}).items():
            if offer_id not in held:
                findings.append(Finding(location, say("holds", id=offer_id), say("it-has-not")))
            else:
                findings += mismatches(matcher, held[offer_id], joined((location, plain(offer_id)), ", "))
        findings += [
            Finding(location, say("lacks", id=offer_id), say("it-has"))
            for offer_id in expect.get("lacks", ())
            if offer_id in held
        ]
        if "beginnings" in expect:
            times = sum(not request["cursor"] for request in self._feed.requests)
            findings += mismatches(expect["beginnings"], times, say("at-beginnings", place=location))
        if "requests" in expect:
            findings += mismatches(expect["requests"], self._feed.requests, say("at-requests", place=location))
        return findings

    async def answer(self, ask: PartnerRequest) -> HostAnswer:
        """The answer of the scripted feed to a request."""
        if ask.method != "GET" or ask.path != "/v1/changes":
            return problem(404, "not-found")
        return await self._say(self._feed.next(ask.query.get("cursor")))

    async def _say(self, page: Page) -> HostAnswer:
        seconds = float(page.get("seconds", 0))
        retry = {"Retry-After": str(int(seconds))}
        match page.get("fault"):
            case None:
                await asyncio.sleep(seconds)
                return HostAnswer(200, {key: value for key, value in page.items() if key != "seconds"})
            case "unavailable":
                return problem(503, "view-behind", headers=retry)
            case "busy":
                return problem(429, "rate-limited", headers=retry)
            case "resync":
                return problem(410, "resync-required")
            case "forged":
                return problem(400, "cursor-forged")
            case "expired-token":
                self._host.expire()
                return problem(401, "token-invalid", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
            case "cut":
                return HostAnswer(200, {"changes": [], "cursor": "never.0", "fresh": _FRESH, "more": False}, cut=True)
        return HostAnswer(200, closed=True)


def _page(page: Mapping[str, Any], names: Names) -> Page:
    """A page in wire form, from the case's short form."""
    if "fault" in page:
        return page
    late = {"seconds": page["seconds"]} if "seconds" in page else {}
    body: dict[str, Any] = {
        **late,
        "changes": [_change(change, names) for change in page.get("changes", ())],
        "fresh": _FRESH,
    }
    if "more" in page:
        body["more"] = page["more"]
    return {**body, **page.get("extra", {})}


def _change(change: Mapping[str, Any], names: Names) -> dict[str, Any]:
    head = {"op": change["op"], "id": names.offer_id("publisher", change["is"]), "sequence": change["sequence"]}
    if change["op"] == "removal":
        return {**head, "reason": change.get("reason", "cancelled"), **change.get("extra", {})}
    offer = sound_offer(names, offer=change["is"], put=dict(change.get("put", {})), drop=list(change.get("drop", ())))
    whole = {**offer, "stay_weeks": 2, "expires_on": names["sunday"]}
    return {**head, "offer": whole, "territory": _TERRITORY, "provenance": ["bretagne"], **change.get("extra", {})}


@asynccontextmanager
async def subscriber_role(setup: Setup, *, seed: str, day: Callable[[], date]) -> AsyncIterator[SubscriberRole]:
    """The role, with the scripted feed listening. Raises SetupError."""
    account = setup.accounts.get("subscriber")
    if account is None:
        raise SetupError(say("account-missing", role="subscriber"), step=say("account-missing-step", role="subscriber"))
    async with aiohttp.ClientSession() as session:
        journal: list[Exchange] = []
        host = Host(account, journal)
        role = SubscriberRole(setup, Control(session, setup, journal), host, seed=seed, day=day)
        role.journal = journal
        async with hosting(host, role.answer, setup.listen):
            yield role
