"""The result model: the outcome of a run, announced failures, and the selection of cases."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from conformance.model.case import Case
from conformance.model.result import (
    Announced,
    Deviation,
    Exchange,
    NotApplicableError,
    Outcome,
    UnverifiableError,
    excuse,
)
from conformance.role.runner import CaseSelection, case_seconds, cases_for, run_cases
from conformance.script.template import UnknownNameError
from conformance.target.setup import Setup, SetupError
from conformance.words import plain
from schemas.rulebook import Language
from tests.conformance.model.results import case, result, run

ON = date(2026, 11, 24)
SETUP = Setup(role="gateway", target="http://x")
TEXTS: dict[Language, str] = {"fr": "non", "en": "no"}


@pytest.mark.parametrize(
    ("outcomes", "code", "conforms"),
    [
        ([Outcome.PASS, Outcome.OMIT], 0, True),
        ([Outcome.OMIT], 0, False),
        ([Outcome.PASS, Outcome.FAIL], 1, False),
        ([Outcome.PASS, Outcome.SKIP], 5, False),
        ([Outcome.FAIL, Outcome.SKIP], 1, False),
        ([Outcome.FAIL, Outcome.CONFIG_ERROR], 3, False),
        ([Outcome.CONFIG_ERROR, Outcome.ERROR, Outcome.FAIL], 4, False),
    ],
)
def test_the_worst_outcome_decides_the_result_of_a_run(outcomes: list[Outcome], code: int, *, conforms: bool) -> None:
    finished = run(*(result(outcome) for outcome in outcomes))
    assert (code, conforms) == (finished.exit_code, finished.conforms)


def test_an_announced_failure_is_excused_but_does_not_conform() -> None:
    finished = run(result(Outcome.PASS), result(Outcome.FAIL, announced=True))
    assert (0, False, 1) == (finished.exit_code, finished.conforms, finished.announced)


@pytest.mark.parametrize(
    ("outcome", "until", "expected"),
    [
        (Outcome.FAIL, date(2026, 11, 24), (Outcome.FAIL, True)),
        (Outcome.FAIL, date(2026, 11, 23), (Outcome.FAIL, False)),
        (Outcome.PASS, date(2026, 11, 24), (Outcome.FAIL, False)),
        (Outcome.SKIP, date(2026, 11, 24), (Outcome.SKIP, False)),
    ],
)
def test_an_announcement_expires_on_its_day_and_fails_when_the_case_passes(
    outcome: Outcome, until: date, expected: tuple[Outcome, bool]
) -> None:
    excused = excuse(result(outcome), [Announced("feed/case-1", "ticket", until)], on=ON)
    assert expected == (excused.outcome, excused.announced)


def test_an_unannounced_result_is_unchanged() -> None:
    assert result(Outcome.FAIL) == excuse(result(Outcome.FAIL), [Announced("feed/other", "x", ON)], on=ON)


class Playing:
    """A role that does as the test says, case by case."""

    def __init__(self, *results: object) -> None:
        self.results = list(results)
        self.journal: list[Exchange] = []

    async def play(self, case: Case) -> list[Deviation]:
        self.journal.append(Exchange("GET", case.id, {}, "", 200, {}, "", 1))
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, list)
        return result


FINDING = Deviation(plain("x"), plain(1), plain(2))


@pytest.mark.parametrize(
    ("returned", "outcome"),
    [
        ([], Outcome.PASS),
        ([FINDING], Outcome.FAIL),
        (UnverifiableError(TEXTS), Outcome.SKIP),
        (UnknownNameError(TEXTS), Outcome.SKIP),
        (NotApplicableError(TEXTS), Outcome.OMIT),
        (SetupError(TEXTS, step=TEXTS), Outcome.CONFIG_ERROR),
        (ZeroDivisionError("oops"), Outcome.ERROR),
    ],
)
async def test_what_a_role_returns_or_raises_becomes_an_outcome(returned: object, outcome: Outcome) -> None:
    [found] = await run_cases([case()], Playing(returned), SETUP, on=ON)
    assert outcome is found.outcome


async def test_exchanges_are_kept_only_where_something_is_wrong() -> None:
    first, second = await run_cases([case(1), case(2)], Playing([], [FINDING]), SETUP, on=ON)
    assert ((), ["feed/case-2"]) == (first.exchanges, [exchange.url for exchange in second.exchanges])


async def test_fail_fast_stops_at_the_first_that_does_not_pass() -> None:
    reported: list[str] = []
    found = await run_cases(
        [case(1), case(2), case(3)],
        Playing([], [FINDING], []),
        SETUP,
        on=ON,
        fail_fast=True,
        on_result=lambda each: reported.append(each.case.id),
    )
    assert ["feed/case-1", "feed/case-2"] == [each.case.id for each in found] == reported


async def test_a_feature_that_is_not_supported_is_omitted_and_its_absence_is_tested() -> None:
    setup = replace(SETUP, features={"batch": False})
    with_batch = replace(case(1), feature="batch")
    without_batch = replace(case(2), feature="batch", unsupported=True)
    found = await run_cases([with_batch, without_batch], Playing([]), setup, on=ON)
    assert [Outcome.OMIT, Outcome.PASS] == [each.outcome for each in found]
    found = await run_cases([with_batch, without_batch], Playing([]), SETUP, on=ON)
    assert [Outcome.PASS, Outcome.OMIT] == [each.outcome for each in found]


def test_cases_are_chosen_by_role_id_and_family() -> None:
    known = [case(1), case(2), case(1, "order"), replace(case(9), roles=frozenset({"publisher"}))]
    assert 3 == len(cases_for(SETUP, CaseSelection(), known))
    assert ["feed/case-2"] == [each.id for each in cases_for(SETUP, CaseSelection(cases=("feed/case-2",)), known)]
    assert ["order/case-1"] == [each.id for each in cases_for(SETUP, CaseSelection(families=("order",)), known)]


def test_ids_and_families_that_no_case_has_are_named() -> None:
    known = [case(1), case(2), case(1, "order")]
    choice = CaseSelection(cases=("feed/case-1", "feed/typo"), families=("order", "typo"))
    assert ["feed/typo", "typo"] == choice.unknown(known)
    assert [] == CaseSelection().unknown(known)


class Waiting(Playing):
    """A role whose partner never does what the case waits for."""

    async def play(self, case: Case) -> list[Deviation]:
        await asyncio.Event().wait()
        raise AssertionError(case.id)


async def test_patience_multiplies_how_long_a_case_may_take() -> None:
    async with asyncio.timeout(60):
        [found] = await run_cases([case()], Waiting(), replace(SETUP, patience=0.001), on=ON)
    assert Outcome.FAIL is found.outcome
    assert 2 * case_seconds(SETUP) == case_seconds(replace(SETUP, patience=2))


def test_a_case_may_take_as_long_as_the_kit_observes() -> None:
    observing = Setup(role="publisher", target="", observe=86_000)
    assert 86_000 < case_seconds(observing)
    assert case_seconds(SETUP) == case_seconds(replace(observing, control="http://127.0.0.1:1"))
