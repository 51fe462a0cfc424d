"""The embedded log's writer while another process holds the file."""

import asyncio
import fcntl
import gc
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.bootstrap.task import first_to_end, start
from gateway.ports import (
    Appended,
    LogBusyError,
    LogError,
    LogUnavailableError,
    Output,
    UnknownOutcomeError,
)
from gateway.protocol.record import Record
from gateway.protocol.topic import OFFERS, SUBMISSIONS
from gateway.sole import MAX_BYTES
from gateway.sqlite import SqliteLog
from tests.contract.log_ground import DEADLINE, TOPICS


async def given_up(log: SqliteLog) -> None:
    with suppress(LogUnavailableError, UnknownOutcomeError):
        await log.append(SUBMISSIONS, 0, [Record(b"large", bytes(MAX_BYTES // 2))])
        pytest.fail("nothing can have been written")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Another process holds the lock of the file."""
    with (folder / "log.sqlite-turn").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def exits(_: sqlite3.Connection) -> None:
    raise SystemExit(3)


def closes(connection: sqlite3.Connection) -> None:
    connection.close()


@pytest.mark.parametrize("work", [exits, closes], ids=["the thread ends", "the connection is lost"])
async def test_a_writer_that_ends_says_so(tmp_path: Path, work: Callable[[sqlite3.Connection], None]) -> None:
    """Its thread ended without a word: each write then waited, and failed as if the log were slow."""
    log = await SqliteLog.open(tmp_path / "log.sqlite", patience=DEADLINE)
    await log.create_topics(TOPICS)
    ended = asyncio.create_task(log.ended())
    async with asyncio.timeout(DEADLINE / 2):
        with pytest.raises(UnknownOutcomeError, match="started again"):
            await log._writer.do(work)
        with pytest.raises(LogUnavailableError, match="started again"):
            await log.append(SUBMISSIONS, 0, [Record(b"k", b"v")])
        with pytest.raises(LogError, match="started again"):
            await ended
    await log.close()


async def test_a_writer_that_ends_answers_what_waits(tmp_path: Path) -> None:
    log = await SqliteLog.open(tmp_path / "log.sqlite", patience=DEADLINE)
    await log.create_topics(TOPICS)
    with held(tmp_path):
        first = asyncio.create_task(log.append(SUBMISSIONS, 0, [Record(b"k", b"v")]))
        while log._writer._jobs or not log._writer._bytes:
            await asyncio.sleep(0.01)
        others: list[asyncio.Task[object]] = [asyncio.create_task(log._writer.do(exits))]
        others += [asyncio.create_task(log.append(SUBMISSIONS, 0, [Record(b"k", b"v")])) for _ in range(1_500)]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    kinds = [type(one) for one in outcomes]
    assert kinds == [Appended] + [UnknownOutcomeError] * 1_000 + [LogUnavailableError] * 501
    await log.close()


async def test_the_end_of_the_writer_is_a_part_of_the_process_that_ends(tmp_path: Path) -> None:
    """``first_to_end`` then ends the process with that error, in the gateway and in its workers."""
    log = await SqliteLog.open(tmp_path / "log.sqlite", patience=DEADLINE)
    async with AsyncExitStack() as stack:
        tasks = start({"log writer": log.ended}, stack)
        with pytest.raises(UnknownOutcomeError):
            await log._writer.do(exits)
        with pytest.raises(LogError, match="SystemExit"):
            await first_to_end(tasks)
    await log.close()


async def test_the_queue_is_bounded_by_bytes(tmp_path: Path) -> None:
    """10,000 writes of 1 MiB would have filled the memory; those of owners are taken, since each has one at a time."""
    log = await SqliteLog.open(tmp_path / "log.sqlite", patience=DEADLINE)
    await log.create_topics(TOPICS)
    owner = await log.own("relay", 0)
    record = Record(b"large", bytes(MAX_BYTES - 5))
    with held(tmp_path):
        waiting = [asyncio.create_task(log.append(SUBMISSIONS, 0, [record])) for _ in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(LogBusyError):
            await log.append(SUBMISSIONS, 0, [record])
        commit = asyncio.create_task(owner.commit([Output(OFFERS, 0, record)]))
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*waiting, commit)
    assert len(outcomes) == 65
    await log.append(SUBMISSIONS, 0, [record])
    assert log._writer._bytes == 0
    await log.close()


async def test_what_was_given_up_takes_no_room(tmp_path: Path) -> None:
    """Whoever tries again and again while another holds the file would fill the memory."""
    log = await SqliteLog.open(tmp_path / "log.sqlite", patience=0.5)
    await log.create_topics(TOPICS)
    with (tmp_path / "log.sqlite-turn").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        tracemalloc.start()
        try:
            for _ in range(3):
                await asyncio.gather(*(given_up(log) for _ in range(40)))
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            fcntl.flock(turn, fcntl.LOCK_UN)
    await log.close()
    assert kept < 25 * MAX_BYTES  # what had been begun is held until it is known
