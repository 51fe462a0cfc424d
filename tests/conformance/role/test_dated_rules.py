"""A warning that becomes an error on a day: the kit expects the warning before it, and the refusal from it on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta

import pytest

from conformance.clock import milliseconds
from conformance.model.case import Case, CaseDocument
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.target.setup import Setup, TargetAccount
from gateway.mock.faults import FaultScenario
from gateway.mock.mock import mocking
from schemas.rulebook import catalogue
from tests.conformance.gateway_fixture import played_on

FIRST = catalogue()["text-invisible"].error_from or date.max
BEFORE = FIRST - timedelta(days=1)


def dated() -> list[Case]:
    """The cases about invisible characters."""
    return [case for case in cases() if "gateway" in case.roles and _is_dated(case)]


def _is_dated(case: Case) -> bool:
    if isinstance(case.subject, CaseDocument):
        return any(code == "text-invisible" for code, _ in case.subject.expected.problems)
    return "text-invisible" in case.severities


@asynccontextmanager
async def gateway(day: date) -> AsyncIterator[Setup]:
    """The mock from noon of this day on: shifted by whole days it could cross midnight as summer time begins."""
    accounts = {
        name: TargetAccount(platform=f"essai-{name}", client_id=f"essai-{name}", secret="s")
        for name in ("publisher", "neighbour", "subscriber")
    }
    shift = int(datetime.combine(day, time(12), UTC).timestamp() * 1_000) - milliseconds()
    mocked = mocking(
        host="127.0.0.1", port=0, line=lambda *_: None, scenario=FaultScenario(), clock=lambda: milliseconds() + shift
    )
    async with mocked as url:
        yield Setup(role="gateway", target=url, accounts=accounts, patience=0.3)


async def played(*, gateway_on: date, kit_on: date) -> list[Result]:
    async with gateway(gateway_on) as setup:
        return await played_on(setup, dated(), seed="dated", day=kit_on)


@pytest.mark.parametrize("day", [BEFORE, FIRST, FIRST + timedelta(days=200)], ids=str)
async def test_the_kit_follows_the_day_of_a_rule(day: date) -> None:
    results = await played(gateway_on=day, kit_on=day)
    assert [] == [(each.case.id, each.findings or each.reason) for each in results if each.outcome not in _GOOD]
    left_out = {each.case.id for each in results if each.outcome is Outcome.OMIT}
    severity = "warning" if day < FIRST else "error"
    assert {
        each.id for each in dated() if each.severities and each.severities["text-invisible"] != severity
    } == left_out


@pytest.mark.parametrize(("gateway_on", "kit_on"), [(BEFORE, FIRST), (FIRST, BEFORE)], ids=["late", "early"])
async def test_the_kit_finds_a_gateway_that_does_not_follow_it(gateway_on: date, kit_on: date) -> None:
    results = await played(gateway_on=gateway_on, kit_on=kit_on)
    assert [] == [each.case.id for each in results if each.outcome is Outcome.PASS]


_GOOD = {Outcome.PASS, Outcome.OMIT}
