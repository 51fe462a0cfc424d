"""Run of a set-up: opens the partner's role and runs the cases with it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp

import schemas
from conformance import clock
from conformance.model.case import Case
from conformance.model.result import Result, Run, Versions
from conformance.role.gateway import GatewayRole
from conformance.role.national import NationalRole
from conformance.role.publisher import publisher_role
from conformance.role.runner import Player, run_cases
from conformance.role.subscriber import subscriber_role
from conformance.target.setup import Setup
from conformance.version import KIT_VERSION, PROTOCOL_VERSION

VERSIONS = Versions(KIT_VERSION, PROTOCOL_VERSION, schemas.SCHEMA_VERSION, schemas.RULES_VERSION)


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
    match setup.role:
        case "gateway":
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                yield GatewayRole(setup, session, seed=seed, day=clock.today)
        case "publisher":
            async with publisher_role(setup, seed=seed, day=clock.today) as publisher:
                yield publisher
        case "subscriber":
            async with subscriber_role(setup, seed=seed, day=clock.today) as subscriber:
                yield subscriber
        case "national":
            async with aiohttp.ClientSession() as session:
                yield NationalRole(setup, session, seed=seed, day=clock.today)
