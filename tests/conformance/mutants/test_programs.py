"""Wrong gateways of the table: each is caught by a case of what it violates, and so answers otherwise than the right
one, which every case passes (tests/conformance/test_independent.py).
"""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
import pytest_asyncio

from conformance.model.result import Result
from tests.conformance.independent_fixture import report_missing
from tests.conformance.matrix import caught, play_program
from tests.conformance.mutants.programs import WRONG_PROGRAMS, WrongProgram

pytestmark = pytest.mark.slow

_TOGETHER = 6


@pytest.fixture(scope="module", autouse=True)
def node() -> None:
    report_missing(pytest.fail, pytest.skip)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def named() -> Mapping[str, Sequence[Result]]:
    """The results of each in the cases that it names, several at once."""
    gate = asyncio.Semaphore(_TOGETHER)

    async def find(mutant: WrongProgram) -> Sequence[Result]:
        async with gate:
            return await play_program(mutant)

    return dict(zip(WRONG_PROGRAMS, await asyncio.gather(*map(find, WRONG_PROGRAMS.values())), strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WRONG_PROGRAMS)
def test_a_wrong_gateway_is_caught_by_a_case_of_what_it_violates(
    name: str, named: Mapping[str, Sequence[Result]]
) -> None:
    assert caught(WRONG_PROGRAMS[name], named[name]).by, WRONG_PROGRAMS[name].fault
