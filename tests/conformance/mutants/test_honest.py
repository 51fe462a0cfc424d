"""Honest systems that are unlike the reference: the kit finds no fault in what no sentence forbids."""

import asyncio
from typing import Any

import pytest

from conformance.model.result import Outcome
from tests.conformance.gateway_fixture import played_on
from tests.conformance.independent_fixture import report_missing
from tests.conformance.matrix import gateway_cases, naming
from tests.conformance.mutants.programs import HONEST_PROGRAMS, wrong_gateway
from tests.conformance.partner_fixtures import Publisher, cases_of, played

pytestmark = pytest.mark.slow


class RaisesTheRevision(Publisher):
    """Sends the same content, or the withdrawal, under the next revision where the outcome is unknown. What was ordered
    meanwhile gets its revision when it is sent, so that it stays the newest.
    """

    async def deliver(self, offer_id: str, method: str, path: str, body: Any) -> None:
        async with self.locks.setdefault(offer_id, asyncio.Lock()):
            again = True
            while again:
                self.revisions[offer_id] += 1
                revision = self.revisions[offer_id]
                whole = None if body is None else {**body, "revision": revision}
                query = "" if body is not None else f"?revision={revision}&reason=filled"
                again = await self.repeats(*await self.send(method, path.partition("?")[0] + query, whole))


PUBLISHERS = {"raises-the-revision": RaisesTheRevision}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", HONEST_PROGRAMS)
async def test_the_kit_finds_no_fault_in_an_honest_gateway(name: str) -> None:
    report_missing(pytest.fail, pytest.skip)
    program = HONEST_PROGRAMS[name]
    async with wrong_gateway(program) as setup:
        results = await played_on(setup, naming(program, gateway_cases()), seed=name, fail_fast=True)
    assert [] == [(each.case.id, each.findings) for each in results if each.outcome is Outcome.FAIL]
    assert results


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PUBLISHERS)
async def test_the_kit_finds_no_fault_in_an_honest_publisher(name: str) -> None:
    chosen = [case for case in cases_of("publisher") if "ERR-009" in case.requirements]
    results = await played(PUBLISHERS[name], chosen, patience=0.3)
    assert [] == [(each.case.id, each.findings) for each in results if each.outcome is Outcome.FAIL]
