"""Role *subscriber*: the kit serves a scripted changes feed and compares the partner's state."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

import aiohttp

from conformance.model.case import Hold, Order, Serve, Step
from conformance.model.result import Finding, UnverifiableError
from conformance.role.host import HostAnswer, PartnerRequest, fault_answer, problem
from conformance.role.partner import PartnerRole
from conformance.script.body import valid_offer
from conformance.script.matcher import mismatches
from conformance.script.template import Names, fill
from conformance.target.setup import Setup
from conformance.words import Texts, joined, plain, say

_FRESH = "2026-01-01T00:00:00Z"
_TERRITORY = {"department": "35", "region": "53", "academie": "rennes"}
Page: TypeAlias = Mapping[str, Any]


class SubscriberRole(PartnerRole):
    """Runs cases for a subscriber, each with a feed of its own."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        super().__init__(setup, session, seed=seed, day=day, platforms={"publisher": "bretagne"})
        self._feed = ScriptedFeed()

    async def _reset(self) -> None:
        self._feed = ScriptedFeed()
        await self._control.order("reset")

    async def _take(self, step: Step, location: Texts) -> list[Finding]:
        match step:
            case Serve(pages):
                self._feed.pages.extend(_page(page, self._names) for page in pages)
                return []
            case Order():
                await self._control.order(step.action)
                return []
            case Hold(expect):
                return await self._compare(fill(dict(expect), self._names), location)
        raise UnverifiableError(say("other-step"))

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
            findings += mismatches(expect["beginnings"], times, say("at-beginnings", location=location))
        if "requests" in expect:
            findings += mismatches(expect["requests"], self._feed.requests, say("at-requests", location=location))
        return findings

    async def answer(self, ask: PartnerRequest) -> HostAnswer:
        """The answer of the scripted feed."""
        if ask.method != "GET" or ask.path != "/v1/changes":
            return problem(404, "not-found")
        page = self._feed.next(ask.query.get("cursor"))
        seconds = float(page.get("seconds", 0))
        match page.get("fault"):
            case None:
                await asyncio.sleep(seconds)
                return HostAnswer(200, {key: value for key, value in page.items() if key != "seconds"})
            case "resync":
                return problem(410, "resync-required")
            case "forged":
                return problem(400, "cursor-forged")
            case "cut":
                return HostAnswer(200, {"changes": [], "cursor": "never.0", "fresh": _FRESH, "more": False}, cut=True)
            case fault:
                return fault_answer(fault, seconds=seconds, unavailable="view-behind", expire=self.host.expire)


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
    whole = {**valid_offer(names, change), "stay_weeks": 2, "expires_on": names["sunday"]}
    return {**head, "offer": whole, "territory": _TERRITORY, "provenance": ["bretagne"], **change.get("extra", {})}


@dataclass(slots=True)
class ScriptedFeed:
    """Pages to serve. A cursor is ``{epoch}.{index}``: number of resyncs, number of pages read. A fault is served once;
    then the page after it is served under the same cursor.
    """

    pages: list[Page] = field(default_factory=list)
    epoch: int = 0
    start: int = 0
    met: set[int] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def next(self, cursor: str | None) -> Page:
        """The page or fault for this cursor, noted in ``requests``; an unknown cursor gets ``{"fault": "forged"}``."""
        index = self._index_of(cursor)
        if index is None:
            fault = "resync" if cursor is not None and cursor.startswith(f"{self.epoch - 1}.") else "forged"
            return self._noted(cursor, {"fault": fault})
        while index < len(self.pages) and index in self.met:
            index += 1
        if index >= len(self.pages):
            return self._noted(cursor, {"changes": [], "cursor": self._cursor(len(self.pages)), "more": False})
        page = self.pages[index]
        if "fault" not in page:
            more = page.get("more", self._pages_left(index + 1))
            return self._noted(cursor, {**page, "cursor": self._cursor(index + 1), "more": more})
        self.met.add(index)
        if page["fault"] == "resync":
            self.epoch, self.start = self.epoch + 1, index + 1
        return self._noted(cursor, page)

    def _index_of(self, cursor: str | None) -> int | None:
        if cursor is None:
            return self.start
        epoch, _, index = cursor.partition(".")
        known = epoch == str(self.epoch) and index.isdigit() and self.start <= int(index) <= len(self.pages)
        return int(index) if known else None

    def _cursor(self, index: int) -> str:
        return f"{self.epoch}.{index}"

    def _pages_left(self, index: int) -> bool:
        return any(number not in self.met for number in range(index, len(self.pages)))

    def _noted(self, cursor: str | None, page: Page) -> Page:
        self.requests.append({"cursor": cursor or "", "answer": page.get("fault", "page")})
        return page
