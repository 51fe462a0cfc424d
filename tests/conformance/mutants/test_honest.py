"""Honest systems that are unlike the reference: the kit finds no fault in what no sentence forbids."""

import asyncio
from typing import Any

import aiohttp
import pytest

from conformance.clock import today
from conformance.model.result import Outcome
from conformance.role.gateway import GatewayRole
from conformance.role.runner import run_cases
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
    async with wrong_gateway(program) as setup, aiohttp.ClientSession() as session:
        role = GatewayRole(setup, session, seed=name, day=today)
        results = await run_cases(naming(program, gateway_cases()), role, setup, on=today(), fail_fast=True)
    assert [] == [(each.case.id, each.findings) for each in results if each.outcome is Outcome.FAIL]
    assert results


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PUBLISHERS)
async def test_the_kit_finds_no_fault_in_an_honest_publisher(name: str) -> None:
    chosen = [case for case in cases_of("publisher") if "ERR-009" in case.requirements]
    results = await played(PUBLISHERS[name], chosen, patience=0.3)
    assert [] == [(each.case.id, each.findings) for each in results if each.outcome is Outcome.FAIL]
