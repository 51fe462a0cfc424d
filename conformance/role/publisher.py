"""Role *publisher*: a fake gateway receives the partner's submissions; the cases check them."""

from collections.abc import Callable
from datetime import date

import aiohttp

from conformance.model.case import Answer, Order, Receive, Step, Watch
from conformance.model.result import Finding, UnverifiableError
from conformance.role.fake_gateway import FakeGateway
from conformance.role.host import HostAnswer, PartnerRequest
from conformance.role.journal import SubmissionJournal, check_invariant
from conformance.role.partner import PartnerRole
from conformance.script.matcher import mismatches
from conformance.script.template import fill
from conformance.target.setup import Setup, SetupError
from conformance.target.wire import poll
from conformance.words import Texts, joined, plain, say

_PAUSE_SECONDS = 0.05


class PublisherRole(PartnerRole):
    """Runs cases for a publisher. One journal covers the whole run, so that invariants apply to all submissions."""

    def __init__(self, setup: Setup, session: aiohttp.ClientSession, *, seed: str, day: Callable[[], date]) -> None:
        super().__init__(setup, session, seed=seed, day=day, platforms={})
        self._submissions = SubmissionJournal(self._platforms["publisher"])
        self._gateway = FakeGateway(self._submissions, day=day, expire=self.host.expire)
        self._ids: dict[str, str] = {}

    async def answer(self, ask: PartnerRequest) -> HostAnswer:
        """The answer of the fake gateway."""
        return await self._gateway.answer(ask)

    async def _reset(self) -> None:
        self._gateway.faults.clear()

    async def _take(self, step: Step, location: Texts) -> list[Finding]:
        match step:
            case Order():
                await self._order(step)
                return []
            case Answer(faults):
                self._gateway.faults.extend(faults)
                return []
            case Receive():
                return await self._receive(step, location)
            case Watch(what):
                return await self._watch(what)
        raise UnverifiableError(say("other-step"))

    async def _order(self, step: Order) -> None:
        key = self._names[f"local.{step.offer}"] if step.offer else ""
        offer = {"offer": key} if key else {}
        answer = await self._control.order(step.action, **offer, **fill(dict(step.expect), self._names))
        if step.action == "create":
            offer_id = answer.get("id") if isinstance(answer, dict) else None
            if not isinstance(offer_id, str):
                raise SetupError(say("create-no-id"), step=say("create-no-id-step"))
            self._ids[key] = offer_id

    async def _receive(self, step: Receive, location: Texts) -> list[Finding]:
        offer_id = self._ids.get(self._names[f"local.{step.offer}"], "")
        location = joined((location, plain(offer_id)), ", ")
        expected = fill(dict(step.expect), self._names)

        async def compare() -> list[Finding]:
            return mismatches(expected, self._submissions.of(offer_id), location)

        seconds = step.until * self._setup.patience
        return await poll(compare, lambda findings: not findings, seconds=seconds, pause=_PAUSE_SECONDS)

    async def _watch(self, what: str) -> list[Finding]:
        """Check an invariant; without a test interface, first observe the platform for ``observe`` seconds."""
        await self._gateway.watched(0 if self._setup.control else self._setup.observe)
        if not self._submissions.sent:
            raise UnverifiableError(say("nothing-published"))
        return check_invariant(self._submissions, what)
