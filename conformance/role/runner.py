"""Runner: opens the role of a partner, runs the selected cases one after the other, and collects the results."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import aiohttp

import schemas
from conformance import clock
from conformance.model.case import Case, Script, WatchStep, severity_on
from conformance.model.cause import Cause, cause_result
from conformance.model.result import (
    Deviation,
    Exchange,
    NotApplicableError,
    Outcome,
    PartnerFailedError,
    Result,
    Run,
    UnverifiableError,
    Versions,
    excuse,
)
from conformance.role.diagnosis import RunDiagnosis
from conformance.role.gateway import GatewayRole
from conformance.role.mark import marking
from conformance.role.national import NationalRole
from conformance.role.reported import Reported, is_failure
from conformance.role.role import Role
from conformance.script.template import UnknownNameError
from conformance.target.lock import running_alone
from conformance.target.setup import TOPICS, Setup, SetupError
from conformance.target.topic import subscriber_topics
from conformance.version import KIT_VERSION, PROTOCOL_VERSION
from conformance.words import Texts, code_in_words, joined, say

VERSIONS = Versions(KIT_VERSION, PROTOCOL_VERSION, schemas.SCHEMA_VERSION, schemas.RULES_VERSION)
_CASE_SECONDS = 300.0
_AFTER_OBSERVING_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_MAX_FINDINGS = 200
_MAX_DETAILED = 100
_HELD, _HELD_OBSERVING = 3, 1_000
_EXCHANGES_DETAILED, _EXCHANGES = 40, 6
"""Exchanges kept with each of the first hundred failures, and with each further one."""


class Player(Protocol):
    """A role: runs one case against the partner's system; ``journal`` holds the exchanges."""

    journal: list[Exchange]

    async def play(self, case: Case) -> list[Deviation]:
        """The findings of a case. Raises UnverifiableError, NotApplicableError, PartnerFailedError, SetupError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSelection:
    """Selection of cases: all, or only these ids and families."""

    cases: tuple[str, ...] = ()
    families: tuple[str, ...] = ()

    def takes(self, case: Case) -> bool:
        """Whether the selection includes this case."""
        return (not self.cases and not self.families) or case.id in self.cases or case.family in self.families

    def unknown(self, known: Iterable[Case]) -> list[str]:
        """The selected ids and families that match none of these cases."""
        ids = {case.id for case in known}
        families = {case_id.partition("/")[0] for case_id in ids}
        return [*(each for each in self.cases if each not in ids), *(e for e in self.families if e not in families)]


def cases_for(setup: Setup, choice: CaseSelection, cases: Iterable[Case]) -> list[Case]:
    """The selected cases of the partner's role."""
    return [case for case in cases if setup.role in case.roles and choice.takes(case)]


async def run_cases(
    cases: Sequence[Case],
    player: Player,
    setup: Setup,
    *,
    on: date,
    fail_fast: bool = False,
    on_result: Callable[[Result], None] = lambda _: None,
    diagnosis: RunDiagnosis | None = None,
    more: bool = False,
) -> list[Result]:
    """Run the cases one after the other; ``on_result`` is called with each result. ``fail_fast`` stops at the first
    failure that was not announced. With a ``diagnosis`` the run ends at a cause that explains its failures: the cause
    is reported first, before the failures that led to it. ``more``: the caller plays further cases.
    """
    report = Reported(on_result, hold=_held(setup, diagnosis))
    for number, case in enumerate(cases, start=1):
        try:
            result = excuse(
                await _play(case, player, setup, on, diagnosis, failed=report.failed), setup.announced, on=on
            )
            last = number == len(cases) and not more
            cause = None if diagnosis is None else await diagnosis.after(result, last=last)
        except _CauseFoundError as found:
            result, cause = None, found.cause
        if cause is not None:
            report.cause(cause_result(cause, setup.role, tuple(player.journal)[-_EXCHANGES:]), result)
            if cause.outcome is Outcome.FAIL and (result is not None or setup.control is not None):
                for watching in filter(_only_watches, cases[number:]):
                    seen = excuse(await _play(watching, player, setup, on), setup.announced, on=on)
                    if setup.control is None or seen.outcome is Outcome.FAIL:  # what orders brought proves no more
                        report.add(seen)
            break
        if result is not None:
            report.add(result)
        if fail_fast and result is not None and is_failure(result):
            break
    return report.finished()


def _held(setup: Setup, diagnosis: RunDiagnosis | None) -> int:
    """Number of failures to hold back; where the kit only observes, all that cannot be verified."""
    observing = setup.role == "publisher" and setup.control is None
    return 0 if diagnosis is None else _HELD_OBSERVING if observing else _HELD


def _only_watches(case: Case) -> bool:
    """Whether a case looks at what was sent already, and asks for nothing."""
    return isinstance(case.subject, Script) and all(isinstance(step, WatchStep) for step in case.subject.steps)


class _CauseFoundError(Exception):
    """A cause was found while a case was played."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.code)
        self.cause = cause


async def _play(
    case: Case, player: Player, setup: Setup, on: date, diagnosis: RunDiagnosis | None = None, *, failed: int = 0
) -> Result:
    omission = _omission(case, setup, on)
    if omission is not None:
        return Result(case=case, outcome=Outcome.OMIT, reason=omission)
    if diagnosis is not None and diagnosis.is_hopeless(case):
        return Result(case=case, outcome=Outcome.SKIP, reason=say("family-silent", family=case.family))
    if diagnosis is not None:
        await diagnosis.before_case()
    loop = asyncio.get_running_loop()
    began = loop.time()
    player.journal.clear()
    result = await _judge(case, player, case_seconds(setup), diagnosis)
    # Exchanges are kept for failed cases only; those of ten thousand passes would not fit in memory.
    most = _EXCHANGES_DETAILED if failed < _MAX_DETAILED else _EXCHANGES
    exchanges = () if result.outcome in {Outcome.PASS, Outcome.OMIT} else tuple(player.journal)[-most:]
    return replace(result, exchanges=exchanges, milliseconds=round((loop.time() - began) * 1000))


def case_seconds(setup: Setup) -> float:
    """Timeout of a case in seconds; without a test interface it covers the observation of the first case."""
    observing = setup.role == "publisher" and setup.control is None
    seconds = _CASE_SECONDS * setup.patience
    return max(seconds, setup.observe + _AFTER_OBSERVING_SECONDS) if observing else seconds


async def _judge(case: Case, player: Player, seconds: float, diagnosis: RunDiagnosis | None) -> Result:
    try:
        async with asyncio.timeout(seconds):
            findings = await (player.play(case) if diagnosis is None else _watched(case, player, diagnosis))
    except PartnerFailedError as error:
        return Result(case=case, outcome=Outcome.FAIL, findings=(error.finding,))
    except (UnverifiableError, UnknownNameError) as error:
        return Result(case=case, outcome=Outcome.SKIP, reason=error.text)
    except NotApplicableError as error:
        return Result(case=case, outcome=Outcome.OMIT, reason=error.text)
    except SetupError as error:
        return Result(case=case, outcome=Outcome.CONFIG_ERROR, reason=joined((error.text, error.step), " → "))
    except TimeoutError:
        finding = Deviation(say("the-case"), say("end-within", seconds=f"{seconds:.0f}"), say("no-end"))
        return Result(case=case, outcome=Outcome.FAIL, findings=(finding,))
    except _CauseFoundError:
        raise
    except Exception as error:  # noqa: BLE001  # a defect of the kit becomes the result of its case
        return Result(
            case=case, outcome=Outcome.ERROR, reason=say("kit-failed", error=f"{type(error).__name__}: {error}")
        )
    outcome = Outcome.FAIL if findings else Outcome.PASS
    return Result(case=case, outcome=outcome, findings=_bounded(findings))


async def _watched(case: Case, player: Player, diagnosis: RunDiagnosis) -> Sequence[Deviation]:
    """Play a case, and end it early where a cause is certain or the partner has given up. Raises _CauseFoundError."""
    playing_ = asyncio.ensure_future(player.play(case))
    try:
        while not (await asyncio.wait({playing_}, timeout=_LOOK_SECONDS))[0]:
            cause = diagnosis.during()
            if cause is not None:
                raise _CauseFoundError(cause)
            given_up = diagnosis.gave_up()
            if given_up is not None:
                return [given_up]
        return playing_.result()
    finally:
        playing_.cancel()
        await asyncio.gather(playing_, return_exceptions=True)


def _bounded(findings: Sequence[Deviation]) -> tuple[Deviation, ...]:
    """At most two hundred findings, the last of which counts the further ones."""
    more = len(findings) - _MAX_FINDINGS
    if more <= 0:
        return tuple(findings)
    rest = Deviation(say("the-case"), say("no-finding"), say("more-findings", number=more))
    return (*findings[:_MAX_FINDINGS], rest)


def _omission(case: Case, setup: Setup, on: date) -> Texts | None:
    absent = [feature for feature in case.features if not setup.supports(feature)]
    if case.unsupported and not absent:
        return say("supported", feature=case.features[0])
    if not case.unsupported and absent:
        return say("no-cluster") if absent[0] == TOPICS else say("not-supported", feature=absent[0])
    others = [code for code, severity in case.severities.items() if severity_on(code, on) != severity]
    return say("other-severity", code=code_in_words(others[0]), day=on) if others else None


async def drive(
    setup: Setup,
    cases: Sequence[Case],
    *,
    seed: str,
    fail_fast: bool = False,
    on_result: Callable[[Result], None] = lambda _: None,
) -> Run:
    """Run the cases against the partner's system; ``on_result`` is called with each result. A set-up with which no case
    can be played becomes the one result of the run.
    """
    loop = asyncio.get_running_loop()
    began, started = clock.now(), loop.time()
    used: tuple[str, ...] = ()
    reference = setup.gateway
    try:
        async with diagnosed(setup, seed=seed) as (player, diagnosis, cause):
            if cause is None:
                day = clock.today()
                reference = await diagnosis.reference()
                results = await run_cases(
                    cases, player, setup, on=day, fail_fast=fail_fast, on_result=on_result, diagnosis=diagnosis
                )
                used = diagnosis.used
                for undeclared in diagnosis.undeclared():
                    results.append(cause_result(undeclared, setup.role))
                    on_result(results[-1])
    except SetupError as error:
        cause = Cause(code=error.code, title=error.text, step=error.step)
    if cause is not None:
        results = [cause_result(cause, setup.role)]
        on_result(results[0])
    return Run(
        role=setup.role,
        target=setup.target or setup.control or setup.listen,
        profile=setup.profile,
        versions=VERSIONS,
        seed=seed,
        began=began,
        milliseconds=round((loop.time() - started) * 1000),
        results=tuple(results),
        used=used,
        reference=reference,
    )


@asynccontextmanager
async def diagnosed(setup: Setup, *, seed: str) -> AsyncIterator[tuple[Player, RunDiagnosis, Cause | None]]:
    """The player of the set-up's role, its diagnosis, and the cause that makes a run pointless from its start. Raises
    SetupError, also where another run uses the account.
    """
    with running_alone(setup):
        async with _opened(setup, seed=seed) as (role, session):
            diagnosis = RunDiagnosis(setup, session, role.tally, role.throttle)
            cause = await diagnosis.before()
            if cause is not None:
                yield role, diagnosis, cause
                return
            async with marking(setup, session) as diagnosis.mark:
                yield role, diagnosis, None


@asynccontextmanager
async def playing(setup: Setup, *, seed: str) -> AsyncIterator[Player]:
    """The player of the set-up's role, open for the block. Raises SetupError."""
    async with _opened(setup, seed=seed) as (role, _):
        yield role


@asynccontextmanager
async def _opened(setup: Setup, *, seed: str) -> AsyncIterator[tuple[Role, aiohttp.ClientSession]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, subscriber_topics(setup) as topics:
        if setup.role == "gateway":
            role = GatewayRole(setup, session, seed=seed, day=clock.today)
            role.topics = topics
            yield role, session
        elif setup.role == "national":
            yield NationalRole(setup, session, seed=seed, day=clock.today), session
        else:
            from conformance.role.hosting import hosted_partner  # noqa: PLC0415  # a mock, which the others do without

            async with hosted_partner(setup, session, seed=seed) as partner:
                yield partner, session
