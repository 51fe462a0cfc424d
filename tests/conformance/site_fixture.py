"""The national site for these tests: the simulator, with an account for the kit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp

from conformance.clock import today
from conformance.model.case import Case
from conformance.model.result import Result
from conformance.role.national import NationalRole
from conformance.role.runner import run_cases
from conformance.target.setup import Setup, TargetAccount
from demo.national_site.simulator import NationalSimulator
from gateway import clock
from tests.conformance.mutants.proxy import Fault, proxied

ACCOUNT = TargetAccount(platform="national", client_id="kit@conformite.example", secret="essai")


@asynccontextmanager
async def simulated_site() -> AsyncIterator[tuple[NationalSimulator, Setup]]:
    async with NationalSimulator(clock=clock.now) as simulator:
        simulator.add_operator(ACCOUNT.client_id, ACCOUNT.secret)
        yield simulator, Setup(role="national", target=f"{simulator.url}/api/v2", accounts={"national": ACCOUNT})


async def played(setup: Setup, chosen: Sequence[Case]) -> list[Result]:
    async with aiohttp.ClientSession() as session:
        return await run_cases(chosen, NationalRole(setup, session, seed="s", day=today), setup, on=today())


async def played_before(fault: Fault, chosen: Sequence[Case]) -> list[Result]:
    """The results of the cases on a site with this fault."""
    async with simulated_site() as (simulator, setup), proxied(simulator.url, fault) as url:
        return await played(replace(setup, target=f"{url}/api/v2"), chosen)
