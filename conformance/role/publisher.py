"""The role *publisher*: the kit plays the gateway, has the partner's platform publish, and looks at what comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

import aiohttp

from conformance.model.case import Case, Script
from conformance.model.result import Exchange, Finding
from conformance.model.step import Answer, Order, Receive, Watch
from conformance.role.book import Book, watch
from conformance.role.control import Control
from conformance.role.host import Host, hosting
from conformance.role.stand_in import StandIn
from conformance.role.verify import UnverifiableError
from conformance.script.matcher import mismatches
from conformance.script.names import Names
from conformance.script.template import fill
from conformance.target.setup import Setup, SetupError
from conformance.words import Texts, joined, plain, say

_PAUSE_SECONDS = 0.05


class PublisherRole:
    """Plays cases for a publisher. The book is one for the whole run: what is watched for is watched in all of it."""

    def __init__(
        self, setup: Setup, control: Control, stand_in: StandIn, book: Book, *, seed: str, day: Callable[[], date]
    ) -> None:
        self._setup = setup
        self._control = control
        self._stand_in = stand_in
        self._book = book
        self._seed = seed
        self._day = day
        self._ids: dict[str, str] = {}
        self.journal: list[Exchange] = []

    async def play(self, case: Case) -> list[Finding]:
        """What is wrong with the publisher, as this case shows it."""
        if not isinstance(case.subject, Script):
            raise UnverifiableError(say("other-case"))
        self._stand_in.faults.clear()
        names = Names(seed=self._seed, case=case.id, day=self._day(), platforms={"publisher": self._book.platform})
        for number, step in enumerate(case.subject.steps, start=1):
            place = say("step", number=number)
            match step:
                case Order():
                    await self._order(step, names)
                    findings: list[Finding] = []
                case Answer(faults):
                    self._stand_in.faults.extend(faults)
                    findings = []
                case Receive():
                    findings = await self._receive(step, names, place)
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

    async def _receive(self, step: Receive, names: Names, place: Texts) -> list[Finding]:
        offer_id = self._ids.get(names[f"local.{step.offer}"], "")
        place = joined((place, plain(offer_id)), ", ")
        deadline = asyncio.get_running_loop().time() + step.until * self._setup.patience
        while True:
            findings = mismatches(fill(dict(step.expect), names), self._book.of(offer_id), place)
            if not findings or asyncio.get_running_loop().time() >= deadline:
                return findings
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _watch(self, what: str) -> list[Finding]:
        """With no test interface, wait for what the platform publishes by itself."""
        await self._stand_in.watched(0 if self._setup.control else self._setup.observe)
        if not self._book.sent:
            raise UnverifiableError(say("nothing-published"))
        return watch(self._book, what)


@asynccontextmanager
async def publisher_role(setup: Setup, *, seed: str, day: Callable[[], date]) -> AsyncIterator[PublisherRole]:
    """The role, with the kit's gateway listening."""
    account = setup.accounts.get("publisher")
    if account is None:
        raise SetupError(say("account-missing", role="publisher"), step=say("account-missing-step", role="publisher"))
    async with aiohttp.ClientSession() as session:
        journal: list[Exchange] = []
        book = Book(account.platform)
        host = Host(account, journal)
        stand_in = StandIn(book, day=day, expire=host.expire)
        control = Control(session, setup, journal)
        role = PublisherRole(setup, control, stand_in, book, seed=seed, day=day)
        role.journal = journal
        async with hosting(host, stand_in.answer, setup.listen):
            yield role
