"""Patience multiplies every deadline: with a very small factor, a target that never answers soon times out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import aiohttp
import pytest

from conformance.clock import now, today
from conformance.model.case import RoleName
from conformance.model.library import cases
from conformance.model.result import Outcome, UnverifiableError
from conformance.role.gateway import GatewayRole
from conformance.role.interruption import interrupt
from conformance.role.national import NationalRole
from conformance.role.runner import Player, run_cases
from conformance.script.template import Names
from conformance.target.doctor import examine
from conformance.target.setup import Setup, TargetAccount
from conformance.target.wire import Wire, poll
from tests.transport import hostile

pytestmark = pytest.mark.slow

ACCOUNTS = {name: TargetAccount(platform=name, client_id=name, secret="s") for name in ("publisher", "national")}
LITTLE = 0.002
"""Reduces the sixty seconds that an answer may take to a tenth of a second."""


@pytest.fixture
async def silent() -> AsyncIterator[Setup]:
    """A target that accepts connections and never answers."""
    async with hostile.talking(hostile.silent) as port:
        yield Setup(role="gateway", target=f"http://127.0.0.1:{port}", accounts=ACCOUNTS, patience=LITTLE)


@pytest.mark.parametrize(
    ("made", "name"),
    [(GatewayRole, "publish/new-is-201"), (NationalRole, "national-site/creates-and-deletes")],
)
async def test_a_missing_answer_fails_the_case(
    silent: Setup, made: type[GatewayRole | NationalRole], name: str
) -> None:
    chosen = [case for case in cases() if case.id == name]
    async with asyncio.timeout(50), aiohttp.ClientSession() as session:
        player: Player = made(silent, session, seed="s", day=today)
        [found] = await run_cases(chosen, player, silent, on=today())
    assert Outcome.FAIL is found.outcome
    assert "no answer" in found.findings[0].actual["en"]


@pytest.mark.parametrize("role", ["gateway", "national"])
async def test_the_doctor_times_out(silent: Setup, role: RoleName) -> None:
    setup = replace(silent, role=role)
    async with asyncio.timeout(15), aiohttp.ClientSession() as session:
        checks = [check async for check in examine(setup, session, now=now())]
    assert [("reachable", "wrong")] == [(check.name["en"], check.state) for check in checks]


async def test_a_command_that_does_not_return_times_out(silent: Setup) -> None:
    names = Names(seed="s", case="c", day=today(), platforms={"publisher": "publisher"})
    setup = replace(silent, restart="exec sleep 3600")
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        wire = Wire(session, setup.target, ACCOUNTS["publisher"], [], patience=LITTLE)
        with pytest.raises(UnverifiableError, match=r"hooks\.restart failed"):
            await interrupt(wire, names, 8, setup=setup, location={"fr": "x", "en": "x"})


async def test_a_target_that_does_not_restart_times_out(silent: Setup) -> None:
    names = Names(seed="s", case="c", day=today(), platforms={"publisher": "publisher"})
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        wire = Wire(session, silent.target, ACCOUNTS["publisher"], [], patience=LITTLE)
        [found] = await interrupt(
            wire, names, 8, setup=replace(silent, restart="true"), location={"fr": "x", "en": "x"}
        )
    assert "it does not" == found.actual["en"]


async def test_pauses_between_looks_grow_to_four_times_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    looks = count()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def look() -> int:
        return next(looks)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert 12 == await poll(look, lambda seen: seen == 12, seconds=60, pause=0.05)
    assert [0.05, 0.06, 0.072] == [round(pause, 4) for pause in pauses[:3]]
    assert [0.2, 0.2] == pauses[-2:]
    assert pauses == sorted(pauses)


async def test_the_last_look_is_when_the_time_is_up() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def look() -> float:
        return loop.time() - began

    assert await poll(look, lambda _: False, seconds=0.05, pause=0.04) >= 0.05
