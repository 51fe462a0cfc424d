"""Role *publisher*: a fake gateway receives the partner's submissions; the cases check them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

import aiohttp

from conformance.model.case import Case, Script
from conformance.model.result import Exchange, Finding
from conformance.model.step import Answer, Order, Receive, Watch
from conformance.role.control import Control
from conformance.role.fake_gateway import FakeGateway
from conformance.role.host import Host, hosting
from conformance.role.journal import SubmissionJournal, check_invariant
from conformance.role.verify import UnverifiableError
from conformance.script.matcher import mismatches
from conformance.script.names import Names
from conformance.script.template import fill
from conformance.target.setup import Setup, SetupError
from conformance.words import Texts, joined, plain, say

_PAUSE_SECONDS = 0.05


class PublisherRole:
    """Runs cases for a publisher. One journal covers the whole run, so that invariants apply to all submissions."""

    def __init__(
        self,
        setup: Setup,
        control: Control,
        gateway: FakeGateway,
        journal: SubmissionJournal,
        *,
        seed: str,
        day: Callable[[], date],
    ) -> None:
        self._setup = setup
        self._control = control
        self._gateway = gateway
        self._submissions = journal
        self._seed = seed
        self._day = day
        self._ids: dict[str, str] = {}
        self.journal: list[Exchange] = []

    async def play(self, case: Case) -> list[Finding]:
        """The findings of a case. Raises UnverifiableError, SetupError, PartnerFailedError."""
        if not isinstance(case.subject, Script):
            raise UnverifiableError(say("other-case"))
        self._gateway.faults.clear()
        names = Names(
            seed=self._seed, case=case.id, day=self._day(), platforms={"publisher": self._submissions.platform}
        )
        for number, step in enumerate(case.subject.steps, start=1):
            location = say("step", number=number)
            match step:
                case Order():
                    await self._order(step, names)
                    findings: list[Finding] = []
                case Answer(faults):
                    self._gateway.faults.extend(faults)
                    findings = []
                case Receive():
                    findings = await self._receive(step, names, location)
                case Watch(what):
                    findings = await self._watch(what)
                case _:
                    raise UnverifiableError(say("other-step"))
            if findings:
                return findings
        return []

    async def _order(self, step: Order, names: Names) -> None:
        key = names[f"local.{step.offer}"] if step.offer else ""
        answer = await self._control.order(
            step.action, **({"offer": key} if key else {}), **fill(dict(step.expect), names)
        )
        if step.action == "create":
            offer_id = answer.get("id") if isinstance(answer, dict) else None
            if not isinstance(offer_id, str):
                raise SetupError(say("create-no-id"), step=say("create-no-id-step"))
            self._ids[key] = offer_id

    async def _receive(self, step: Receive, names: Names, location: Texts) -> list[Finding]:
        offer_id = self._ids.get(names[f"local.{step.offer}"], "")
        location = joined((location, plain(offer_id)), ", ")
        deadline = asyncio.get_running_loop().time() + step.until * self._setup.patience
        while True:
            findings = mismatches(fill(dict(step.expect), names), self._submissions.of(offer_id), location)
            if not findings or asyncio.get_running_loop().time() >= deadline:
                return findings
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _watch(self, what: str) -> list[Finding]:
        """Check an invariant; without a test interface, first observe the platform for ``observe`` seconds."""
        await self._gateway.watched(0 if self._setup.control else self._setup.observe)
        if not self._submissions.sent:
            raise UnverifiableError(say("nothing-published"))
        return check_invariant(self._submissions, what)


@asynccontextmanager
async def publisher_role(setup: Setup, *, seed: str, day: Callable[[], date]) -> AsyncIterator[PublisherRole]:
    """The role, with the fake gateway listening. Raises SetupError."""
    account = setup.accounts.get("publisher")
    if account is None:
        raise SetupError(say("account-missing", role="publisher"), step=say("account-missing-step", role="publisher"))
    async with aiohttp.ClientSession() as session:
        exchanges: list[Exchange] = []
        submissions = SubmissionJournal(account.platform)
        host = Host(account, exchanges)
        gateway = FakeGateway(submissions, day=day, expire=host.expire)
        control = Control(session, setup, exchanges)
        role = PublisherRole(setup, control, gateway, submissions, seed=seed, day=day)
        role.journal = exchanges
        async with hosting(host, gateway.answer, setup.listen):
            yield role
