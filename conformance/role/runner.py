"""Runner: opens the role of a partner, runs the selected cases one after the other, and collects the results."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import aiohttp

import schemas
from conformance import clock
from conformance.model.case import Case, RoleName
from conformance.model.result import (
    Exchange,
    Finding,
    NotApplicableError,
    Outcome,
    PartnerFailedError,
    Result,
    Run,
    UnverifiableError,
    Versions,
    excuse,
)
from conformance.role.gateway import GatewayRole
from conformance.role.host import hosting
from conformance.role.national import NationalRole
from conformance.role.partner import PartnerRole
from conformance.role.publisher import PublisherRole
from conformance.role.subscriber import SubscriberRole
from conformance.script.template import UnknownNameError
from conformance.target.setup import Setup, SetupError
from conformance.version import KIT_VERSION, PROTOCOL_VERSION
from conformance.words import Texts, joined, say

VERSIONS = Versions(KIT_VERSION, PROTOCOL_VERSION, schemas.SCHEMA_VERSION, schemas.RULES_VERSION)
_CASE_SECONDS = 300.0
_AFTER_OBSERVING_SECONDS = 60.0


class Player(Protocol):
    """A role: runs one case against the partner's system; ``journal`` holds the exchanges."""

    journal: list[Exchange]

    async def play(self, case: Case) -> list[Finding]:
        """The findings of a case. Raises UnverifiableError, NotApplicableError, PartnerFailedError, SetupError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
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


def cases_for(setup: Setup, choice: Choice, cases: Iterable[Case]) -> list[Case]:
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
) -> list[Result]:
    """Run the cases one after the other; ``on_result`` is called with each result. ``fail_fast`` stops at the first
    failure that was not announced.
    """
    results = []
    for case in cases:
        result = excuse(await _play(case, player, setup), setup.announced, on=on)
        results.append(result)
        on_result(result)
        if fail_fast and result.outcome not in {Outcome.PASS, Outcome.OMIT} and not result.announced:
            break
    return results


async def _play(case: Case, player: Player, setup: Setup) -> Result:
    omission = _omission(case, setup)
    if omission is not None:
        return Result(case=case, outcome=Outcome.OMIT, reason=omission)
    loop = asyncio.get_running_loop()
    began = loop.time()
    player.journal.clear()
    result = await _judge(case, player, case_seconds(setup))
    # Exchanges are kept for failed cases only; those of ten thousand passes would not fit in memory.
    exchanges = () if result.outcome in {Outcome.PASS, Outcome.OMIT} else tuple(player.journal)
    return replace(result, exchanges=exchanges, milliseconds=round((loop.time() - began) * 1000))


def case_seconds(setup: Setup) -> float:
    """Timeout of a case in seconds; without a test interface it covers the observation of the first case."""
    observing = setup.role == "publisher" and setup.control is None
    seconds = _CASE_SECONDS * setup.patience
    return max(seconds, setup.observe + _AFTER_OBSERVING_SECONDS) if observing else seconds


async def _judge(case: Case, player: Player, seconds: float) -> Result:
    try:
        async with asyncio.timeout(seconds):
            findings = await player.play(case)
    except PartnerFailedError as error:
        return Result(case=case, outcome=Outcome.FAIL, findings=(error.finding,))
    except (UnverifiableError, UnknownNameError) as error:
        return Result(case=case, outcome=Outcome.SKIP, reason=error.text)
    except NotApplicableError as error:
        return Result(case=case, outcome=Outcome.OMIT, reason=error.text)
    except SetupError as error:
        return Result(case=case, outcome=Outcome.CONFIG_ERROR, reason=joined((error.text, error.step), " → "))
    except TimeoutError:
        finding = Finding(say("the-case"), say("end-within", seconds=f"{seconds:.0f}"), say("no-end"))
        return Result(case=case, outcome=Outcome.FAIL, findings=(finding,))
    except Exception as error:  # noqa: BLE001  # a defect of the kit becomes the result of its case
        return Result(
            case=case, outcome=Outcome.ERROR, reason=say("kit-failed", error=f"{type(error).__name__}: {error}")
        )
    outcome = Outcome.FAIL if findings else Outcome.PASS
    return Result(case=case, outcome=outcome, findings=tuple(findings))


def _omission(case: Case, setup: Setup) -> Texts | None:
    supported = setup.supports(case.feature)
    if case.unsupported and supported:
        return say("supported", feature=case.feature)
    if not case.unsupported and not supported:
        return say("not-supported", feature=case.feature)
    return None


async def drive(
    setup: Setup,
    cases: Sequence[Case],
    *,
    seed: str,
    fail_fast: bool = False,
    on_result: Callable[[Result], None] = lambda _: None,
) -> Run:
    """Run the cases against the partner's system; ``on_result`` is called with each result. Raises SetupError when the
    role cannot be opened.
    """
    loop = asyncio.get_running_loop()
    began, started = clock.now(), loop.time()
    async with playing(setup, seed=seed) as player:
        results = await run_cases(cases, player, setup, on=clock.today(), fail_fast=fail_fast, on_result=on_result)
    return Run(
        role=setup.role,
        target=setup.target or setup.control or setup.listen,
        profile=setup.profile,
        versions=VERSIONS,
        seed=seed,
        began=began,
        milliseconds=round((loop.time() - started) * 1000),
        results=tuple(results),
    )


@asynccontextmanager
async def playing(setup: Setup, *, seed: str) -> AsyncIterator[Player]:
    """The player of the set-up's role, open for the block. Raises SetupError."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        role = _ROLES[setup.role](setup, session, seed=seed, day=clock.today)
        if isinstance(role, PartnerRole):
            async with hosting(role.host, role.answer, setup.listen):
                yield role
        else:
            yield role


_ROLES: Mapping[RoleName, type[GatewayRole | NationalRole | PublisherRole | SubscriberRole]] = {
    "gateway": GatewayRole,
    "national": NationalRole,
    "publisher": PublisherRole,
    "subscriber": SubscriberRole,
}
