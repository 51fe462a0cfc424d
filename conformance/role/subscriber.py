"""Role *subscriber*: the kit serves a scripted changes feed, or pushes pages, and compares the partner's state."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import aiohttp
import orjson
from aiohttp import hdrs
from multidict import CIMultiDict

from conformance import clock
from conformance.model.case import Case, Hold, OrderStep, Push, Serve, Step
from conformance.model.result import Deviation, PartnerFailedError, UnverifiableError
from conformance.role.host import CLOSED, READING, ReceivedRequest, SentAnswer, refusal
from conformance.role.partner import PartnerRole
from conformance.role.pusher import SECONDS, Pusher, answer_fault, copy_fault, is_taken, open_endpoint
from conformance.role.scripted_feed import Page, ScriptedFeed
from conformance.script.body import valid_offer
from conformance.script.matcher import mismatches
from conformance.script.template import Names, fill
from conformance.target.setup import Setup, SetupError
from conformance.target.wire import Wire
from conformance.words import Texts, joined, plain, say

_CHANGES, _SCOPE = "/v1/changes", "offers:read"
_FRESH = "2026-01-01T00:00:00Z"
_TERRITORY = {"department": "35", "region": "53", "academie": "rennes"}
_LOOK_AFTER_SECONDS, _LOOK_SECONDS = 0.2, 4.0
_EARLY_SHARE = 0.9
_GENERATIONS = 1_000
"""Least distance between the numbers of two cases: a receiver may remember that of the case before."""
"""A request may come a little before Retry-After has passed."""


class SubscriberRole(PartnerRole):
    """Runs cases for a subscriber, each with a feed of its own."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        super().__init__(setup, session, seed=seed, day=day, platforms={"publisher": "bretagne"})
        self._feed = ScriptedFeed()
        self._look: asyncio.Task[list[Deviation]] | None = None
        self._looked: list[Deviation] = []
        self._pusher: Pusher | None = None
        self._generations = clock.milliseconds()
        self._wire = Wire(session, "", None, self.journal, seconds=SECONDS, patience=setup.patience)

    async def play(self, case: Case) -> list[Deviation]:
        """The findings of a case, those of looks during a failure included."""
        try:
            findings = await super().play(case)
            await self._finish_look()
        except PartnerFailedError:
            if self._looked:
                return self._looked
            if refused := self._feed.refused:
                return [Deviation(say("the-feed"), say("request-taken"), plain(refused[-1]))]
            raise
        finally:
            if self._look is not None:
                self._look.cancel()
        return findings or self._looked

    async def _reset(self) -> None:
        self._feed, self._look, self._looked, self._pusher = ScriptedFeed(), None, [], None
        await self._control.order("reset")

    async def _take(self, step: Step, location: Texts) -> list[Deviation]:
        match step:
            case Serve(pages):
                self._feed.pages.extend(_page(page, self._names) for page in pages)
                return []
            case OrderStep():
                # The next order of the kit must not be what makes the platform come too early.
                await asyncio.sleep(max(0.0, self._feed.waits_until - asyncio.get_running_loop().time()))
                await self._control.order(step.action)
                return []
            case Push():
                return await self._push(step, location)
            case Hold(expect):
                await self._finish_look()
                return self._looked or await self._compare(fill(dict(expect), self._names), location)
        raise UnverifiableError(say("other-step"))

    async def _push(self, step: Push, location: Texts) -> list[Deviation]:
        if self._pusher is None:
            self._generations = max(self._generations + _GENERATIONS, clock.milliseconds())
            self._pusher = await open_endpoint(self._control, self._wire, self._generations)
        before = {} if step.outcome == "taken" else await self._control.offers()
        reply = await self._pusher.push(step, _page(step.push, self._names))
        if (findings := answer_fault(step, reply, location)) or step.outcome == "taken" or is_taken(reply):
            return findings
        return copy_fault(before, await self._control.offers(), location)

    async def _compare(self, expect: Mapping[str, Any], location: Texts) -> list[Deviation]:
        held = await self._control.offers()
        findings = list(_compare_offers(expect, held, location))
        if "beginnings" in expect:
            times = sum(not request["page"] for request in self._feed.requests)
            findings += mismatches(expect["beginnings"], times, say("at-beginnings", location=location))
        if "early" in expect:
            findings += mismatches(expect["early"], self._feed.early, say("at-early", location=location))
        if "requests" in expect:
            findings += mismatches(expect["requests"], self._feed.requests, say("at-requests", location=location))
        return findings

    async def answer(self, received: ReceivedRequest) -> SentAnswer:
        """The answer of the scripted feed, and of the gateway to everything else."""
        if not (
            received.url.path == _CHANGES and received.method in READING and await self.host.allows(received, _SCOPE)
        ):
            return await self.host.forward(received)
        now = asyncio.get_running_loop().time()
        await self._finish_look()
        query = self.host.changes_query(received, self.account.platform)
        if isinstance(query, SentAnswer):
            self._feed.note_refused(str(query.document["code"]), now=now)
            return query
        if received.method == hdrs.METH_HEAD:  # no page is given
            return _page_answer({})
        page = self._feed.next(query.cursor, repr(query.criteria), limit=query.limit, now=now)
        return await self._play(received, page)

    async def _play(self, received: ReceivedRequest, page: Page) -> SentAnswer:
        loop = asyncio.get_running_loop()
        seconds = float(page.get("seconds", 0))
        fault = page.get("fault")
        if fault in {"unavailable", "busy"}:
            self._feed.waits_until = loop.time() + seconds * _EARLY_SHARE
        if "look" in page:
            self._look = asyncio.ensure_future(self._look_between(page["look"]))
        match fault:
            case None:
                await asyncio.sleep(seconds)
                return _page_answer(_wire_form(page))
            case "refused":
                return refusal(received, page["code"])
            case "cut":
                # The cursor comes first: what is cut off later holds it.
                empty = {"cursor": "-", "changes": [], "fresh": _FRESH, "more": False}
                return replace(_page_answer(empty | _wire_form(page)), cut=True)
        return await self.host.fault(str(fault), received, seconds=seconds) or CLOSED

    async def _look_between(self, expect: Mapping[str, Any]) -> list[Deviation]:
        """The faults of the copy right after a fault."""
        await asyncio.sleep(_LOOK_AFTER_SECONDS)
        held = await self._control.offers()
        return list(_compare_offers(fill(dict(expect), self._names), held, say("at-look", location=say("the-copy"))))

    async def _finish_look(self) -> None:
        """Wait for a look before the feed goes on. One that the platform cannot answer meanwhile says nothing."""
        look, self._look = self._look, None
        if look is None:
            return
        await asyncio.wait([look], timeout=_LOOK_SECONDS)
        if not look.done():
            look.cancel()
            return
        try:
            self._looked = self._looked or look.result()
        except (PartnerFailedError, SetupError):
            return


def _compare_offers(expect: Mapping[str, Any], held: Mapping[str, Any], location: Texts) -> Iterator[Deviation]:
    for offer_id, matcher in expect.get("holds", {}).items():
        if offer_id not in held:
            yield Deviation(location, say("holds", id=offer_id), say("it-has-not"))
        else:
            yield from mismatches(matcher, held[offer_id], joined((location, plain(offer_id)), ", "))
    for offer_id in expect.get("lacks", ()):
        if offer_id in held:
            yield Deviation(location, say("lacks", id=offer_id), say("it-has"))


def _page_answer(page: Mapping[str, Any]) -> SentAnswer:
    headers = CIMultiDict({"Content-Type": "application/json", "Cache-Control": "no-store"})
    return SentAnswer(200, headers, orjson.dumps(page))


def _wire_form(page: Page) -> dict[str, Any]:
    return {key: value for key, value in page.items() if key not in {"seconds", "fault", "look"}}


def _page(page: Mapping[str, Any], names: Names) -> Page:
    """A page in wire form, from the case's short form."""
    if "fault" in page:
        return page
    late = {"seconds": page["seconds"]} if "seconds" in page else {}
    body: dict[str, Any] = {
        **late,
        "changes": [made for change in page.get("changes", ()) for made in _changes(change, names)],
        "fresh": _FRESH,
    }
    if "more" in page:
        body["more"] = page["more"]
    return {**body, **page.get("extra", {})}


def _changes(change: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    """One change, or several of offers with numbered names."""
    if "times" not in change:
        return [_change(change, names)]
    return [_change({**change, "is": f"{change['is']}{number}"}, names) for number in range(1, change["times"] + 1)]


def _change(change: Mapping[str, Any], names: Names) -> dict[str, Any]:
    offer_id = fill(change["id"], names) if "id" in change else names.offer_id("publisher", change["is"])
    head = {"op": change["op"], "id": offer_id, "sequence": change["sequence"]}
    if change["op"] == "removal":
        return {**head, "reason": change.get("reason", "cancelled"), **change.get("extra", {})}
    whole = {**valid_offer(names, change), "id": offer_id, "stay_weeks": 2, "expires_on": names["sunday"]}
    provenance = [offer_id.partition(":")[0]]
    return {**head, "offer": whole, "territory": _TERRITORY, "provenance": provenance, **change.get("extra", {})}
