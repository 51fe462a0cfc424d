"""Tests of the kit: each wrong gateway is caught by the case that names its fault, and not by unrelated ones."""

from dataclasses import replace

import pytest

from conformance.model.case import Case
from conformance.model.result import Outcome
from conformance.target.setup import Setup
from tests.conformance.matrix import PAGE, Wrong, caught, gateway_cases, naming, play
from tests.conformance.mutants.partners import PARTNERS
from tests.conformance.mutants.programs import WRONG_PROGRAMS
from tests.conformance.mutants.proxy import MUTANTS
from tests.conformance.mutants.sites import SITES
from tests.conformance.mutants.topics import WRONG_TOPICS

pytestmark = pytest.mark.slow

CONTROLS = (
    "publish/new-is-201",
    "order/other-content",
    "withdrawal/published-again",
    "feed/left-the-filter",
    "routing/provenance",
    "error/limits-of-limit",
    "security/public-addresses",
    "document/sound",
)
"""Cases about different topics. A wrong gateway passes those that are unrelated to its fault."""


def case_of(name: str) -> Case:
    return next(case for case in gateway_cases() if case.id == name)


def test_there_are_enough_wrong_gateways_and_each_fault_has_its_own_name() -> None:
    assert len(MUTANTS) >= 900
    assert len(MUTANTS) == len({mutant.fault for mutant in MUTANTS.values()})


EARLY = [name for name in MUTANTS if not name.startswith("counts-")]
"""Those whose fault shows at once: counts come up to two minutes later."""
FIRST = list({MUTANTS[name].names: name for name in reversed(EARLY)}.values())
"""One wrong gateway of each case and requirement that is named. ``make matrix`` plays them all."""


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", FIRST)
async def test_a_wrong_gateway_is_caught_by_the_case_that_names_its_fault(name: str, right: Setup) -> None:
    mutant = MUTANTS[name]
    eager = replace(right, patience=0.2)
    named = naming(mutant, gateway_cases())
    results = await play(eager, mutant, named, seed=f"named {name}", fail_fast=True)
    assert caught(mutant, results).by, f"{mutant.fault}: {mutant.names} does not notice"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "name", ["reports-one-problem", "shows-metrics", "accepts-truncated-gzip", "has-no-guard", "unmasks-employers"]
)
async def test_a_wrong_gateway_passes_cases_about_other_things(name: str, right: Setup) -> None:
    results = await play(right, MUTANTS[name], [case_of(each) for each in CONTROLS], seed=f"other {name}")
    assert [] == [(result.case.id, result.findings) for result in results if result.outcome is not Outcome.PASS]


def test_the_published_matrix_lists_every_wrong_system_and_no_survivor_but_those_that_no_case_catches_yet() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    published = [line.removeprefix("| ").split(" | ") for line in lines if line.startswith("| `")]
    wrong: list[Wrong] = [
        *MUTANTS.values(),
        *WRONG_PROGRAMS.values(),
        *WRONG_TOPICS.values(),
        *PARTNERS.values(),
        *SITES.values(),
    ]
    listed = {(name, fault, names) for name, fault, names, *_ in published}
    assert {(f"`{each.name}`", each.fault, f"`{each.names}`") for each in wrong} == listed, (
        "run: python -m tests.conformance.matrix"
    )
    survivors = {name.strip("`") for name, _, _, by, *_ in published if by in {"another", "**survives**"}}
    assert survivors == set()
