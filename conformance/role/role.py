"""Role: runs a case against the partner's system, step by step. The base of every role."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import date

from conformance.model.case import Case, CaseDocument, Step
from conformance.model.result import Deviation, Exchange, UnverifiableError
from conformance.role.tally import Exchanges, RunTally
from conformance.script.template import Names
from conformance.target.setup import Setup
from conformance.target.wire import Throttle
from conformance.words import Texts, say

_LISTENING = frozenset({"publisher", "subscriber"})


class Role(ABC):
    """``journal`` holds the exchanges since the start of the case, ``tally`` counts those of a listening role over the
    run, ``throttle`` what the target's rate made a calling one wait. ``day`` returns the day in Europe/Paris;
    ``platforms`` are those of the cases' accounts.
    """

    def __init__(self, setup: Setup, *, seed: str, day: Callable[[], date], platforms: Mapping[str, str]) -> None:
        self.tally = RunTally(setup.control)
        self.throttle = Throttle()
        self.journal: list[Exchange] = Exchanges(self.tally if setup.role in _LISTENING else None)
        self._setup = setup
        self._seed = seed
        self._day = day
        self._platforms = platforms
        self._hosts = {name: account.host for name, account in setup.accounts.items() if account.host}
        self._names = self._names_of("")

    async def play(self, case: Case) -> list[Deviation]:
        """The findings of the first step that has any, or of the document. Raises UnverifiableError,
        NotApplicableError, PartnerFailedError, SetupError.
        """
        self._names = self._names_of(case.id)
        await self._reset()
        if isinstance(case.subject, CaseDocument):
            return await self._judge(case.subject)
        try:
            for number, step in enumerate(case.subject.steps, start=1):
                findings = await self._take(step, say("step", number=number))
                if findings:
                    return findings
            return []
        finally:
            await self._end()

    def _names_of(self, case: str) -> Names:
        return Names(seed=self._seed, case=case, day=self._day(), platforms=self._platforms, hosts=self._hosts)

    @abstractmethod
    async def _reset(self) -> None:
        """Forget the former case."""

    async def _end(self) -> None:  # noqa: B027
        """Close what the case left open."""

    @abstractmethod
    async def _take(self, step: Step, location: Texts) -> list[Deviation]:
        """Take one step. Raises UnverifiableError for a step of another role."""

    async def _judge(self, _subject: CaseDocument, /) -> list[Deviation]:
        """Compare the verdict on a document; only a gateway reaches one."""
        raise UnverifiableError(say("other-case"))
