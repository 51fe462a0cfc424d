"""Diagnosis: looks for one cause that explains the failures of a run: before it, during each case, and after each."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import aiohttp

from conformance import clock
from conformance.model.case import Case
from conformance.model.cause import Cause
from conformance.model.result import Deviation, Outcome, Result
from conformance.role.mark import RunMark, lost_cause
from conformance.role.partner_cause import (
    access_cause,
    control_cause,
    denied_cause,
    documents_cause,
    flood_cause,
    is_idle,
    no_request_cause,
    refusals,
    worn_token_cause,
)
from conformance.role.tally import RunTally
from conformance.target.reach import (
    reach_gateway,
    reach_interface,
    reach_national,
    reach_offer,
    reference_of,
)
from conformance.target.setup import Setup
from conformance.target.wire import Throttle
from conformance.words import say

_SETTLED_SECONDS = 3.0
"""A refusal counts once the partner had this long to correct it by itself."""
_QUIET_SECONDS = 10.0
"""A partner whose documents were all refused has given up after this long without another document."""
_MAX_LATE = 3
_LATE_MS = 10_000
_LATE_SECONDS = 2.0
_RUN_SECONDS = 3_600.0
_MAX_REQUESTS, _MAX_OBSERVED = 100_000, 1_000_000
"""Requests of a run with orders, and of one that observes a platform at work."""
_THROTTLED_SECONDS, _LEAST_RATE = 60.0, 2.0
"""A run that has waited so long for the target's rate ends, where it comes to fewer requests a second."""
_OF_THE_SET_UP = frozenset({"token-refused", "protocol-version", "clock", "scope-missing", "rate-limited"})
"""Causes that are no fault of the target, whenever they begin."""
_STREAKS = frozenset({3, 6, 12, 25, 50, 100, 200, 400})
"""Lengths of a series of failures after which the target is examined again."""


class RunDiagnosis:
    """The diagnosis of one run. ``tally`` counts the partner's acts in a listening role, ``throttle`` the waits of a
    calling one for the target's rate.
    """

    def __init__(
        self, setup: Setup, session: aiohttp.ClientSession, tally: RunTally, throttle: Throttle | None = None
    ) -> None:
        self._throttle = throttle or Throttle()
        self._setup = setup
        self._session = session
        self._tally = tally
        self._listening = setup.role in {"publisher", "subscriber"}
        self._began = asyncio.get_running_loop().time()
        self._streak: list[str] = []
        self._former: Result | None = None
        self._passed = False
        self._seen: tuple[str, float] = ("", 0.0)
        self._progress: tuple[int, float] = (0, 0.0)
        self._denied_since = 0.0
        self._late: Counter[str] = Counter()
        self.mark: RunMark | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """The optional features that the partner was seen to use."""
        return tuple(sorted(self._tally.used))

    def undeclared(self) -> Iterator[Cause]:
        """The features that the set-up declares absent and the partner uses: their cases were wrongly left out."""
        for feature in self.used:
            if not self._setup.supports(feature):
                title, step = say("feature-used", feature=feature), say("feature-used-step", feature=feature)
                yield Cause(code=f"uses-{feature}", title=title, step=step, outcome=Outcome.FAIL)

    async def reference(self) -> str | None:
        """The address of a gateway that explains the requirements."""
        return await reference_of(self._setup, self._session)

    async def before(self) -> Cause | None:
        """The cause that makes the run pointless from its start."""
        match self._setup.role:
            case "gateway":
                return await reach_gateway(self._setup, self._session, now=clock.now())
            case "national":
                return await reach_national(self._setup, self._session, now=clock.now())
            case "subscriber" if self._setup.control is None:
                step = say("interface-needed-step")
                return Cause(code="no-interface", title=say("cause-no-interface"), step=step)
        return await reach_interface(self._setup, self._session)

    def during(self) -> Cause | None:
        """A cause that is certain before the present case ends, or None."""
        now = asyncio.get_running_loop().time()
        if self._tally.came > (_MAX_OBSERVED if self._setup.control is None else _MAX_REQUESTS):
            return flood_cause(self._tally)
        seconds = _RUN_SECONDS * self._setup.patience + self._setup.observe
        if now - self._began > seconds:
            title = say("cause-too-long", seconds=f"{seconds:.0f}")
            return Cause(code="too-long", title=title, step=say("cause-too-long-step"), outcome=Outcome.SKIP)
        if not self._listening:
            return self._limited(now)
        cause = access_cause(self._tally, self._setup)
        if cause is None:
            self._seen = ("", now)
            return None
        if self._seen[0] != cause.code:
            self._seen = (cause.code, now)
        return cause if now - self._seen[1] >= _SETTLED_SECONDS * self._setup.patience else None

    def _limited(self, now: float) -> Cause | None:
        """The cause that the target's rate would make the run last for hours."""
        throttle = self._throttle
        rate = throttle.requests / max(now - throttle.since, 1.0)
        if throttle.seconds < _THROTTLED_SECONDS * self._setup.patience or rate >= _LEAST_RATE:
            return None
        title = say("cause-slow-rate", number=f"{60 * rate:.0f}", seconds=f"{throttle.seconds:.0f}")
        return Cause(code="rate-limited", title=title, step=say("cause-slow-rate-step"))

    def gave_up(self) -> Deviation | None:
        """The finding that ends a case early: every request was refused, and none about another document follows."""
        tally, now = self._tally, asyncio.get_running_loop().time()
        progress = len(tally.refused_paths) + tally.succeeded
        if self._progress[0] != progress:
            self._progress = (progress, now)
        if not self._denied_since and (tally.denied or tally.wrong_token):
            self._denied_since = now
        began = self._progress[1] or self._denied_since or now
        quiet = now - began >= _QUIET_SECONDS * self._setup.patience
        if not quiet or self._setup.control is None:
            return None
        if self._is_refused():
            return Deviation(say("submissions"), say("sound-document"), refusals(tally))
        return Deviation(say("submissions"), say("valid-token"), say("cause-worn-token")) if self._is_worn() else None

    def _is_worn(self) -> bool:
        """Whether the partner obtained a token and comes with another one, again and again."""
        tally = self._tally
        return bool(tally.tokens) and tally.wrong_token > _MAX_LATE and not tally.succeeded

    def _is_refused(self) -> bool:
        """Whether all that the partner does was refused so far: writes of a publisher, reads of a subscriber."""
        tally = self._tally
        achieved = tally.taken if self._setup.role == "publisher" else tally.read
        return not achieved and bool(tally.refused or tally.denied)

    def is_hopeless(self, case: Case) -> bool:
        """Whether three cases of the same family waited for an answer without success: the others would as well."""
        return self._late[case.family] >= _MAX_LATE

    async def before_case(self) -> None:
        """Do between two cases what would disturb one: renew the mark of the run."""
        if self.mark is not None:
            await self.mark.renew()

    async def after(self, result: Result, *, last: bool) -> Cause | None:
        """The cause of a failure, or None. ``last``: no further case can tell more."""
        if result.outcome is Outcome.PASS:
            self._streak.clear()
            self._passed = True
        if result.outcome in {Outcome.PASS, Outcome.OMIT}:
            return None
        self._streak.append(result.case.id)
        limit = _LATE_MS * self._setup.patience
        self._late[result.case.family] += any(
            exchange.status == 0 and exchange.milliseconds > limit for exchange in result.exchanges
        )
        certain = lost_cause(self.mark) or self.during() or self._repeated(result)
        if certain is not None:
            return certain
        if self._listening:
            return await self._after_partner(result, last=last)
        return await self._after_target(result)

    def _repeated(self, result: Result) -> Cause | None:
        """The cause that the set-up, or the kit, fails twice with the same text before any case passes."""
        before, self._former = self._former, result
        same = (
            before is not None
            and not self._passed
            and (before.outcome, before.reason) == (result.outcome, result.reason)
        )
        if not same or result.reason is None or result.outcome not in {Outcome.CONFIG_ERROR, Outcome.ERROR}:
            return None
        code = "set-up" if result.outcome is Outcome.CONFIG_ERROR else "kit"
        return Cause(code=code, title=result.reason, step=say("cause-repeated-step"), outcome=result.outcome)

    async def _after_partner(self, result: Result, *, last: bool) -> Cause | None:
        tally, setup = self._tally, self._setup
        if is_idle(tally, setup, result):
            await asyncio.sleep(_LATE_SECONDS * setup.patience)
            if is_idle(tally, setup, result):
                return no_request_cause(setup)
        again = last or len(self._streak) > 1
        if tally.came and not tally.succeeded and (cause := access_cause(tally, setup)) is not None:
            return cause
        # An interface that fails after each of its requests was refused fails for that reason.
        cause = None if self._is_refused() else control_cause(tally, setup, again=again)
        if cause is not None:
            return cause
        if not self._is_refused():
            return worn_token_cause() if len(self._streak) > 1 and self._is_worn() else None
        if tally.refused and (again or len(tally.refused_paths) > 1):
            return documents_cause(tally)
        return denied_cause(tally) if tally.denied and again else None

    async def _after_target(self, result: Result) -> Cause | None:
        """Examine the target again after a case without an answer in time, and after a series of failures."""
        silent = any(exchange.status == 0 for exchange in result.exchanges)
        refused = result.outcome is Outcome.CONFIG_ERROR
        if not silent and not refused and len(self._streak) not in _STREAKS:
            return None
        cause = await self.before()
        if cause is None and self._setup.role == "gateway":
            return await reach_offer(self._setup, self._session, day=clock.today())
        if cause is None or cause.code in _OF_THE_SET_UP:
            return cause
        return cause.as_fault(since=self._streak[0])
