"""Reading up to an end: every record, or an error if the log stalls."""

import asyncio
from collections.abc import Mapping

import pytest

from gateway.errors import LogUnavailableError
from gateway.log.reading import read_all, read_records
from gateway.protocol.topic import COMMON, SUBMISSIONS
from tests.harness import running
from tests.log.contract.log_fixture import record
from tests.memory_log import MemoryLog


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog()
    await log.create_topics(COMMON)
    for number in range(5):
        await log.append(SUBMISSIONS, 1, [record(f"{number}")])
    return log


async def keys(log: MemoryLog, *, start: int, end: int | None = None) -> list[bytes | None]:
    return [one.key async for one in read_records(log, SUBMISSIONS, 1, start=start, end=end)]


async def test_all_up_to_the_end_is_read(log: MemoryLog) -> None:
    assert [b"1", b"2", b"3", b"4"] == await keys(log, start=1)


async def test_records_beyond_the_end_are_left_out(log: MemoryLog) -> None:
    assert [b"1"] == await keys(log, start=1, end=3)


async def test_nothing_is_read_where_the_end_is_reached_already(log: MemoryLog) -> None:
    end = (await log.ends(SUBMISSIONS))[1]
    assert [] == await keys(log, start=end, end=end)


async def test_an_end_that_does_not_come_is_an_outage(log: MemoryLog) -> None:
    """An open transaction holds it back: waiting without end would report nothing."""
    end = (await log.ends(SUBMISSIONS))[1]
    with pytest.raises(LogUnavailableError, match=f"between {end} and its end {end + 1}"):
        await read_topic(log, ends={1: end + 1})


async def read_topic(log: MemoryLog, *, ends: Mapping[int, int] | None = None) -> list[bytes | None]:
    found: list[bytes | None] = []
    async with read_all(log, SUBMISSIONS, limit=2, ends=ends, silent_seconds=0.5) as chunks:
        async for chunk in chunks:
            found += [one.key for one in chunk.records]
    return found


async def test_every_partition_is_read_to_the_end_that_it_has_now(log: MemoryLog) -> None:
    await log.append(SUBMISSIONS, 0, [record("other")])
    assert [b"0", b"1", b"2", b"3", b"4", b"other"] == sorted(await read_topic(log), key=str)


async def test_progress_of_a_finished_partition_does_not_count_for_another(log: MemoryLog) -> None:
    """A partition that never rests would otherwise hide that another is held back."""
    ends = dict(enumerate(await log.ends(SUBMISSIONS)))

    async def chatter() -> None:
        while True:
            await log.append(SUBMISSIONS, 1, [record("more")])
            await asyncio.sleep(0.05)

    stalled = pytest.raises(LogUnavailableError, match="submissions/0 returns nothing between 0 and its end 1")
    async with running(chatter()), asyncio.timeout(20):
        with stalled:
            await read_topic(log, ends=ends | {0: 1})
