"""Reading up to an end: all of it, or an error where the log falls silent before."""

import pytest

from gateway.memory import MemoryLog
from gateway.ports import LogUnavailableError
from gateway.protocol.topic import COMMON, SUBMISSIONS
from gateway.reading import read_up_to
from tests.contract.log_ground import record


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog()
    await log.create_topics(COMMON)
    for number in range(5):
        await log.append(SUBMISSIONS, 1, [record(f"{number}")])
    return log


async def keys(log: MemoryLog, *, start: int, end: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    async with read_up_to(log, SUBMISSIONS, 1, start=start, end=end, limit=2, silent_seconds=0.2) as chunks:
        async for chunk in chunks:
            found += [one.key for one in chunk.records]
    return found


async def test_all_up_to_the_end_is_read(log: MemoryLog) -> None:
    assert [b"1", b"2", b"3", b"4"] == await keys(log, start=1, end=(await log.ends(SUBMISSIONS))[1])


async def test_nothing_is_read_where_the_end_is_reached_already(log: MemoryLog) -> None:
    end = (await log.ends(SUBMISSIONS))[1]
    assert [] == await keys(log, start=end, end=end)


async def test_an_end_that_does_not_come_is_an_outage(log: MemoryLog) -> None:
    """Something that lies open holds it back: waiting for ever would say nothing to anybody."""
    end = (await log.ends(SUBMISSIONS))[1]
    with pytest.raises(LogUnavailableError, match=f"between {end} and its end {end + 1}"):
        await keys(log, start=0, end=end + 1)
