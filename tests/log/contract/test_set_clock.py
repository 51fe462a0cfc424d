"""Logs of one machine while its clock is ahead and corrected: record times follow it, and retention continues."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.ingest.idempotency import Claim, Requests, Running
from gateway.log.sqlite import SqliteLog
from gateway.protocol.topic import COMMON, DAY_MS, SUBMISSIONS
from tests.clock import ManualClock
from tests.log.contract.log_fixture import read, records
from tests.memory_log import MemoryLog

MINUTE = 60_000
START = 1_796_000_000_000
JUMPS = (5 * MINUTE, DAY_MS, 365 * DAY_MS)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=["memory", "sqlite"])
async def log(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[MemoryLog | SqliteLog]:
    opened: MemoryLog | SqliteLog
    if request.param == "memory":
        opened = MemoryLog(clock=clock)
    else:
        opened = await SqliteLog.open(tmp_path / "log.sqlite", clock=clock)
    await opened.create_topics(COMMON)
    yield opened
    await opened.close()


async def times(log: MemoryLog | SqliteLog) -> list[int]:
    """When each record was appended, after the start (ms)."""
    start = (await log.starts(SUBMISSIONS))[0]
    return [one.appended_at - START for one in await read(log, SUBMISSIONS, position=start)]


@pytest.mark.parametrize("jump", JUMPS)
async def test_times_follow_a_clock_that_was_ahead_and_is_right_again(
    log: MemoryLog | SqliteLog, clock: ManualClock, jump: int
) -> None:
    for offset in (0, jump, 1_000):
        clock.now = START + offset
        await log.append(SUBMISSIONS, 0, records(1))
    assert [0, jump, 1_000] == await times(log)


async def test_times_do_not_fall_while_a_clock_is_adjusted(log: MemoryLog | SqliteLog, clock: ManualClock) -> None:
    for offset in (0, 500, 100, 700):
        clock.now = START + offset
        await log.append(SUBMISSIONS, 0, records(1))
    assert [0, 500, 500, 700] == await times(log)


async def test_records_of_a_clock_ahead_leave_with_those_that_follow(
    log: MemoryLog | SqliteLog, clock: ManualClock
) -> None:
    for offset in (0, 365 * DAY_MS, DAY_MS, 40 * DAY_MS):
        clock.now = START + offset
        await log.append(SUBMISSIONS, 0, records(1))
    await log.maintain(COMMON, now=clock.now)
    assert [40 * DAY_MS] == await times(log)


async def test_records_of_a_clock_ahead_stay_while_their_age_is_unknown(
    log: MemoryLog | SqliteLog, clock: ManualClock
) -> None:
    for offset in (0, 365 * DAY_MS):
        clock.now = START + offset
        await log.append(SUBMISSIONS, 0, records(1))
    await log.maintain(COMMON, now=START + 40 * DAY_MS)
    assert [365 * DAY_MS] == await times(log)


async def test_expired_records_are_deleted_and_appends_continue(log: MemoryLog | SqliteLog, clock: ManualClock) -> None:
    await log.append(SUBMISSIONS, 0, records(2))
    clock.now += 40 * DAY_MS
    await log.maintain(COMMON, now=clock.now)
    assert [] == await times(log)
    assert (await log.starts(SUBMISSIONS))[0] == (await log.ends(SUBMISSIONS))[0]
    await log.append(SUBMISSIONS, 0, records(1))
    assert [40 * DAY_MS] == await times(log)


@pytest.mark.parametrize("jump", [DAY_MS, 365 * DAY_MS])
async def test_a_claim_from_a_clock_ahead_does_not_keep_others_out(
    log: MemoryLog | SqliteLog, clock: ManualClock, jump: int
) -> None:
    """[PUB-044] Its process is gone; when the clock is right, the request runs again at once."""
    before, after = Requests(log), Requests(log)
    clock.now += jump
    assert isinstance(await before.claim("bretagne", "k", "d"), Claim)
    assert isinstance(await after.claim("bretagne", "k", "d"), Running)
    clock.now -= jump
    assert isinstance(await after.claim("bretagne", "k", "d"), Claim)
    await before.close()
    await after.close()


async def test_an_answer_from_a_clock_a_year_ahead_does_not_hold_its_key(
    log: MemoryLog | SqliteLog, clock: ManualClock
) -> None:
    """[PUB-041] A key lives for two days, whichever way the clock went."""
    requests = Requests(log)
    clock.now += 365 * DAY_MS
    claim = await requests.claim("bretagne", "k", "d")
    assert isinstance(claim, Claim)
    await requests.keep(claim, 200, {}, "{}")
    clock.now -= 365 * DAY_MS
    assert isinstance(await requests.claim("bretagne", "k", "other"), Claim)
    await requests.close()
