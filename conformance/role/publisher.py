"""Role *publisher*: a fake gateway receives the partner's submissions; the cases check them and the orders behind."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

import aiohttp
from aiohttp import hdrs

from conformance.model.case import AnswerStep, Case, OrderStep, Receive, Step, WatchStep
from conformance.model.result import Deviation, NotApplicableError, UnverifiableError
from conformance.role.fake_gateway import FakeGateway
from conformance.role.host import PartnerHost, ReceivedRequest, SentAnswer
from conformance.role.journal import SubmissionJournal
from conformance.role.partner import PartnerRole
from conformance.role.traffic import ExecutedOrder, Request, RequestReader, Traffic
from conformance.role.trials import Trials
from conformance.role.waiting import RunWaits
from conformance.role.watch import OF_SETS, check_watch, distinct_revisions
from conformance.script.matcher import mismatches
from conformance.script.template import fill
from conformance.target.setup import Setup, SetupError
from conformance.target.wire import poll
from conformance.words import Texts, joined, plain, say

_PAUSE_SECONDS = 0.05
_SNAPSHOTS = "snapshots"
_WATCHED = "watched"
"""Family of the cases about all submissions of a run."""
_COMPANION = "companion"
_TOKENS = "/oauth/token"
_SCOPE = "offers:publish"
_NOT_IN_CONTRACT = frozenset({403, 404, 405})
_WHEN_OBSERVED = ({"fault": "unavailable", "seconds": 1},)
"""The answer to the first submission without a test interface, so that sending again can be verified."""


class PublisherRole(PartnerRole):
    """Runs cases for a publisher. Journal and traffic cover the whole run, so that watches apply to all submissions."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        super().__init__(setup, session, seed=seed, day=day, platforms={})
        self._traffic = Traffic()
        self._reader = RequestReader()
        self._trials = Trials(self._gateway, self._id_of, self._order)
        self._waiting = RunWaits(setup.patience)
        self._ids: dict[str, str] = {}
        self._changes: Counter[str] = Counter()
        self._known: dict[str, tuple[int, bool]] = {}
        self._began = 0.0
        self._of_sets = False
        self._of_all = False

    async def play(self, case: Case) -> list[Deviation]:
        """The findings of a case. A case about snapshots is not required of a platform that sends none."""
        self._began = _now()
        self._of_sets = _SNAPSHOTS in case.features
        self._of_all = case.family == _WATCHED
        if self._of_sets and self._traffic.has_submissions and not self._traffic.has_sets:
            raise NotApplicableError(say("no-snapshots"))
        findings = await super().play(case)
        await self._trials.settle()
        if self._trials.unmet and not findings:
            raise NotApplicableError(say("not-met"))
        return findings

    async def answer(self, received: ReceivedRequest) -> SentAnswer:
        """The answer of the fake gateway, or of a trial; what is not allowed meets none."""
        if not await self.host.allows(received, _SCOPE):
            answered = await self.host.forward(received)
            if answered.status in _NOT_IN_CONTRACT:
                self._note_refused(received, answered)
            return answered
        request = self._note(received)
        if request.is_set:
            present = {item.id for item in request.items}
            states = self._submissions.states.items()
            request.gone = sum(live and offer_id not in present for offer_id, (_, live) in states)
        answered = await self._trials.answer(received, request)
        self._count_changes()
        unanswered = answered.closed or answered.cut
        request.take_answer(0 if unanswered else answered.status, answered.document, at=_now())
        return answered

    def _open_host(self) -> PartnerHost:
        self._submissions = SubmissionJournal(self.account.platform)
        self._gateway = FakeGateway(self.account, self.journal, self._submissions, refused=self._note_refused)
        return self._gateway

    def _note_refused(self, received: ReceivedRequest, answered: SentAnswer) -> None:
        """Record a request that has a token, and whose content cannot be read, or no address or method of the contract,
        or no right to it.
        """
        if hdrs.AUTHORIZATION in received.headers and received.url.path != _TOKENS:
            self._note(received).take_answer(answered.status, answered.document, at=_now())

    def _note(self, received: ReceivedRequest) -> Request:
        return self._traffic.note(self._reader.read(received, at=_now(), day=self._day()))

    async def _reset(self) -> None:
        await self._trials.clear()
        if self._setup.control is None and not self._traffic.has_submissions:
            await self._trials.expect(_WHEN_OBSERVED)

    async def _take(self, step: Step, location: Texts) -> list[Deviation]:
        match step:
            case OrderStep():
                await self._prepare(step)
                await self._order(step.action, step.offer)
                return []
            case AnswerStep(faults):
                await self._trials.expect(faults)
                return []
            case Receive():
                return await self._receive(step, location)
            case WatchStep(what):
                return await self._watch(what)
        raise UnverifiableError(say("other-step"))

    async def _prepare(self, step: OrderStep) -> None:
        """Before a platform that sends sets withdraws its only offer, another one is created: a gateway asks for a
        confirmation where none would remain (PUB-028).
        """
        others = [
            offer_id
            for offer_id, (_, live) in self._submissions.states.items()
            if live and offer_id != self._id_of(step.offer)
        ]
        if step.action != "withdraw" or not self._traffic.has_sets or others:
            return
        await self._order("create", _COMPANION)

        async def is_live() -> bool:
            return bool(self._submissions.of(self._id_of(_COMPANION))["state"] == "live")

        await poll(is_live, bool, seconds=10 * self._setup.patience, pause=_PAUSE_SECONDS)

    async def _order(self, action: str, offer: str) -> None:
        loop = asyncio.get_running_loop()
        key = self._names[f"local.{offer}"] if offer else ""
        known = self._ids.get(key, "")
        began, revision = loop.time(), self._traffic.highest(known)
        answer = await self._control.order(action, **({"offer": key} if key else {}))
        if action == "create":
            offer_id = answer.get("id") if isinstance(answer, dict) else None
            if not isinstance(offer_id, str):
                raise SetupError(say("create-no-id"), step=say("create-no-id-step"))
            self._ids[key] = known = offer_id
        if known:
            done = ExecutedOrder(began=began, ended=loop.time(), action=action, id=known, revision=revision)
            self._traffic.done.append(done)

    def _id_of(self, offer: str) -> str:
        """The platform's id of an offer of the case, empty before it was created."""
        return self._ids.get(self._names[f"local.{offer}"], "")

    async def _receive(self, step: Receive, location: Texts) -> list[Deviation]:
        await self._trials.settle()
        expected = fill(dict(step.expect), self._names)

        async def compare() -> list[Deviation]:
            offer_id = self._id_of(step.offer)  # an order that meets an open request may come only now
            return mismatches(expected, self._summary(offer_id), joined((location, plain(offer_id)), ", "))

        await asyncio.sleep(step.after * max(1.0, self._setup.patience))
        fault_seconds = self._trials.seconds
        seconds = self._waiting.seconds(step.until, fault_seconds=fault_seconds)
        began = _now()
        findings = await poll(compare, lambda found: not found, seconds=seconds, pause=_PAUSE_SECONDS)
        self._waiting.note(_now() - began, fault_seconds=fault_seconds, found=not findings)
        if self._of_sets and self._traffic.has_submissions and not self._traffic.has_sets:
            raise NotApplicableError(say("no-snapshots"))
        return findings

    def _summary(self, offer_id: str) -> dict[str, Any]:
        """The outcome of an offer: its submissions and state as in the journal, the number of its changes
        (``accepted``), whether its newest content is live (``shows``), and of this case the number of different
        revisions, of different ``contents``, of acceptances that follow a duplicate (``renewed``), and outside complete
        sets of submissions (``alone``), refusals and repetitions.
        """
        sends = list(self._traffic.sends(offer_id, self._began))
        alone = [(request, item) for request, item in sends if not request.is_set]
        known = self._submissions.of(offer_id)
        return {
            **known,
            "sends": sum(1 for _ in self._traffic.sends(offer_id)),
            "accepted": self._changes[offer_id],
            "revisions": distinct_revisions(iter(sends)),
            "contents": len({(item.kind, item.digest) for _, item in sends}),
            "shows": self._displayed(offer_id),
            "alone": len(alone),
            "renewed": sum(pair == ("duplicate", "accepted") for pair in pairwise(known["outcomes"])),
            "refused": any(offer_id in request.refused for request, _ in sends),
            "refusals": sum(offer_id in request.refused for request, _ in alone),
            "repetitions": len(alone) - distinct_revisions(iter(alone)),
        }

    def _displayed(self, offer_id: str) -> str | None:
        """Whether the live content is the ``newest`` of all that came, or an ``older`` one; None without any."""
        revision, live = self._submissions.states.get(offer_id, (0, False))
        sent = [item for _, item in self._traffic.sends(offer_id) if item.kind == "publish"]
        contents = list(dict.fromkeys(item.digest for item in sent))
        displayed = next((item.digest for item in sent if item.revision == revision), None)
        if not live or displayed is None:
            return None
        return "newest" if displayed == contents[-1] else "older"

    def _count_changes(self) -> None:
        """Count the changes of states since the last answer."""
        for offer_id, state in self._submissions.states.items():
            if self._known.get(offer_id) != state:
                self._known[offer_id] = state
                self._changes[offer_id] += 1

    async def _watch(self, what: str) -> list[Deviation]:
        """Check a watch; without a test interface, first observe the platform for ``observe`` seconds."""
        await self._gateway.watched(0 if self._setup.control else self._setup.observe)
        await self._trials.settle()
        if not self._traffic.requests and not self._submissions.sent:
            raise UnverifiableError(say("nothing-published"))
        if what in OF_SETS and not self._traffic.has_sets:
            raise NotApplicableError(say("no-snapshots"))
        return check_watch(what, self._traffic, self._submissions, since=0.0 if self._of_all else self._began)


def _now() -> float:
    return asyncio.get_running_loop().time()
