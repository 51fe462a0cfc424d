"""The mark of a run at a gateway: a second run from elsewhere finds it. That it disturbs no case: test_gateway_role."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from conformance import clock
from conformance.role.mark import RunMark, lost_cause, marking
from conformance.script.template import Names
from conformance.target.setup import Setup, SetupError
from conformance.target.wire import Wire
from tests.conformance.gateway_fixture import running_gateway
from tests.conformance.wrong_partners import always, target

pytestmark = pytest.mark.slow


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[Setup]:
    async with running_gateway(tmp_path) as there:
        yield there


def mark_of(setup: Setup, session: aiohttp.ClientSession) -> RunMark:
    account = setup.accounts["publisher"]
    names = Names(seed="m", case="m", day=clock.today(), platforms={"publisher": account.platform})
    return RunMark(Wire(session, setup.target, account, []), names)


async def test_a_second_run_reads_who_holds_the_account_and_since_when(setup: Setup) -> None:
    async with aiohttp.ClientSession() as session:
        async with marking(setup, session) as mark:
            assert mark is not None
            with pytest.raises(SetupError, match=r"in use .*process .*, since 20") as caught:
                async with marking(setup, session):
                    raise AssertionError
            assert "account-in-use" == caught.value.code
        async with marking(setup, session) as again:
            assert again is not None, "the mark ends with its run"


async def test_the_mark_of_a_run_that_was_killed_is_replaced(setup: Setup) -> None:
    async with aiohttp.ClientSession() as session:
        killed = mark_of(setup, session)
        killed.holder = {**killed.holder, "since": "2026-01-01T00:00:00Z"}
        assert await killed.put()
        seen = mark_of(setup, session)
        assert seen.alive_seconds > 0
        seen.alive_seconds = -1
        assert await seen.find_other() is None
        assert await seen.put()
        async with asyncio.timeout(30):
            while not await seen.is_there():  # the view follows the receipt
                await asyncio.sleep(0.05)
        killed.other = await killed.find_other()
        assert lost_cause(killed) is not None, "the first one finds that it lost the account"


async def test_only_the_publisher_itself_can_read_the_mark(setup: Setup) -> None:
    async with aiohttp.ClientSession() as session, marking(setup, session) as mark:
        assert mark is not None
        for name in ("neighbour", "subscriber", "national"):
            wire = Wire(session, setup.target, setup.accounts[name], [])
            assert 404 == (await wire.call("GET", mark.path)).status
            changes = await wire.call("GET", "/v1/changes?limit=1000&territory=all")
            assert [] == [change for change in changes.json["changes"] if change["id"] in mark.path]


async def test_a_gateway_that_keeps_no_mark_is_examined_without_one() -> None:
    async with target(always(404)) as setup, aiohttp.ClientSession() as session:
        with pytest.raises(SetupError):
            async with marking(setup, session):
                raise AssertionError
    async with target(always(500)) as setup, aiohttp.ClientSession() as session, marking(setup, session) as mark:
        assert mark is None


async def test_the_mark_is_renewed_when_it_is_due_and_only_then(setup: Setup) -> None:
    """No task renews it: in a case it would be one live offer more."""
    async with aiohttp.ClientSession() as session, marking(setup, session) as mark:
        assert mark is not None
        written = mark.revision
        await mark.renew()
        assert written == mark.revision
        mark.renewed_at -= 3600
        await mark.renew()
        assert written < mark.revision
