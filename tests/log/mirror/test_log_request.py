"""A request through the log is answered by its owner, wherever the answer comes and whatever else is on the topic."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.log.request import Pending, wait_for_answer
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import COMMON, RUNS
from tests.memory_log import MemoryLog

REQUEST = Record(b"a/order", b"1")


@pytest.fixture
async def log() -> MemoryLog:
    log = MemoryLog(partitions=2)
    await log.create_topics(COMMON)
    return log


def answer(record: StoredRecord) -> bytes | None:
    return record.value if record.key == b"a" else None


async def asked(log: MemoryLog, read: Callable[[StoredRecord], bytes | None], seconds: float | None = None) -> bytes:
    sent = await log.append(RUNS, 1, [REQUEST])
    return await wait_for_answer(log, RUNS, 1, start=sent.last + 1, answer=read, seconds=seconds)


async def appended(log: MemoryLog) -> None:
    async with asyncio.timeout(10):
        while not (await log.ends(RUNS))[1]:  # the log says nothing of appends
            await asyncio.sleep(0.01)


async def test_the_first_answer_after_the_request_is_given(log: MemoryLog) -> None:
    await log.append(RUNS, 0, [Record(b"a", b"another partition")])
    waiting = asyncio.create_task(asked(log, answer, 10))
    await appended(log)
    await log.append(RUNS, 1, [Record(b"b", b"another key"), Record(b"a", b"first"), Record(b"a", b"second")])
    assert b"first" == await waiting


async def test_a_record_older_than_the_request_is_no_answer(log: MemoryLog) -> None:
    await log.append(RUNS, 1, [Record(b"a", b"old")])
    with pytest.raises(TimeoutError):
        await asked(log, answer, 0.05)
    async with log.reader({(RUNS, 1): 0}) as reader:
        (chunk,) = await reader.poll(limit=10, wait=0)
    assert (b"a/order", b"1") == (chunk.records[-1].key, chunk.records[-1].value)


async def test_a_read_error_ends_the_wait(log: MemoryLog) -> None:
    def refuse(record: StoredRecord) -> bytes:
        raise LookupError(record.key)

    waiting = asyncio.create_task(asked(log, refuse))
    await appended(log)
    await log.append(RUNS, 1, [Record(b"a", b"1")])
    with pytest.raises(LookupError):
        await waiting


def test_a_request_ages_by_the_log_alone_and_only_before_its_owner_began() -> None:
    assert [500, 0, 0] == [
        Pending("r", 1_000).age_ms(1_500),
        Pending("r", 2_000).age_ms(1_500),
        Pending("r", None).age_ms(1_500),
    ]
