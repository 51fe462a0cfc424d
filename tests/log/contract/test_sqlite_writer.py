"""The embedded log's writer while another process holds the file."""

import asyncio
import fcntl
import gc
import sqlite3
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from gateway.clock import now
from gateway.errors import (
    LogBusyError,
    LogError,
    LogUnavailableError,
    UnknownOutcomeError,
)
from gateway.log.common import MAX_BYTES, stream_of
from gateway.log.port import Appended, Output
from gateway.log.sqlite import SqliteLog
from gateway.log.sqlite.append import Append, append_all
from gateway.log.sqlite.file import connect, read_streams
from gateway.log.sqlite.jobs import Job, Jobs
from gateway.log.sqlite.writer import Writer
from gateway.log.tasks import raise_first_end, start_tasks
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, OFFERS, SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, TOPICS, given_up, read_keys

pytestmark = pytest.mark.slow


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Another process holds the lock of the file."""
    with (folder / "log.sqlite-turn").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def exits(_: sqlite3.Connection) -> None:
    raise SystemExit(3)


def closes(connection: sqlite3.Connection) -> None:
    connection.close()


@pytest.mark.parametrize("work", [exits, closes], ids=["the thread ends", "the connection is lost"])
async def test_an_append_to_an_ended_writer_fails(log: SqliteLog, work: Callable[[sqlite3.Connection], None]) -> None:
    """Its thread ended silently: each write then waited, and failed as if the log were slow."""
    ended = asyncio.create_task(log.ended())
    async with asyncio.timeout(DEADLINE / 2):
        with pytest.raises(UnknownOutcomeError, match="started again"):
            await log._writer.do(work)
        with pytest.raises(LogUnavailableError, match="started again"):
            await log.append(SUBMISSIONS, 0, [Record(b"k", b"v")])
        with pytest.raises(LogError, match="started again"):
            await ended


async def test_a_writer_that_ends_answers_the_waiting_appends(log: SqliteLog) -> None:
    async with busy(log._writer) as first:
        others: list[asyncio.Task[object]] = [asyncio.create_task(log._writer.do(exits))]
        others += [asyncio.create_task(log.append(SUBMISSIONS, 0, [Record(b"k", b"v")])) for _ in range(1_500)]
        await asyncio.sleep(0)
    await first
    kinds = [type(one) for one in await asyncio.gather(*others, return_exceptions=True)]
    assert kinds == [UnknownOutcomeError] * 1_000 + [LogUnavailableError] * 501


async def test_the_end_of_the_writer_ends_the_process(log: SqliteLog) -> None:
    """``raise_first_end`` then ends the process with that error, in the gateway and in its workers."""
    async with AsyncExitStack() as stack:
        tasks = start_tasks({"log writer": log.ended}, stack)
        with pytest.raises(UnknownOutcomeError):
            await log._writer.do(exits)
        with pytest.raises(LogError, match="SystemExit"):
            await raise_first_end(tasks)


async def test_the_queue_is_bounded_by_bytes(log: SqliteLog, tmp_path: Path) -> None:
    """10,000 writes of 1 MiB would have filled the memory; those of owners are taken, since each has one at a time."""
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
    assert log._writer._jobs._bytes == 0


async def test_the_write_ahead_log_is_checkpointed_beside_commits(log: SqliteLog, path: Path) -> None:
    """It stays bounded under continuous writes, though no commit checkpoints it."""
    records = [Record(b"key", bytes(10_000)) for _ in range(100)]
    largest = 0
    for number in range(100):
        await log.append(SUBMISSIONS, number % 3, records)
        largest = max(largest, path.with_name("log.sqlite-wal").stat().st_size)
    assert largest < 60 << 20
    assert path.stat().st_size > 40 << 20
    with closing(connect(path, busy_seconds=DEADLINE)) as one_that_writes:
        assert (0,) == one_that_writes.execute("PRAGMA wal_autocheckpoint").fetchone()


async def test_compaction_does_not_let_the_write_ahead_log_grow(log: SqliteLog, path: Path) -> None:
    """A step that deletes scattered records writes a page for each, though it adds no bytes."""
    offers = next(topic for topic in COMMON if topic.name == OFFERS)
    for step in (1, 3):  # every third one is superseded
        numbers = range(0, 30_000, step)
        for first in range(0, len(numbers), 500):
            records = [Record(f"b:{number}".encode(), bytes(2_000)) for number in numbers[first : first + 500]]
            await log.append(OFFERS, 0, records)
    await log.maintain([offers], now=1, all_of_it=True)
    assert path.with_name("log.sqlite-wal").stat().st_size < 32 << 20


@asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[Writer]:
    """A writer of the log in this folder, as each process has one."""
    path = folder / "log.sqlite"
    await (await SqliteLog.open(path)).close()
    writer = Writer(
        partial(connect, path, busy_seconds=DEADLINE),
        loop=asyncio.get_running_loop(),
        lock_file=folder / "log.sqlite-turn",
        patience=DEADLINE,
        written=lambda _: None,
        clock=now,
    )
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)


@asynccontextmanager
async def busy(writer: Writer) -> AsyncIterator[asyncio.Task[object]]:
    """The writer runs this job until the block ends."""
    started, ends = threading.Event(), threading.Event()

    def work(_: sqlite3.Connection) -> None:
        started.set()
        ends.wait(DEADLINE)

    job = asyncio.create_task(writer.do(work, size=1))
    await asyncio.to_thread(started.wait, DEADLINE)
    try:
        yield job
    finally:
        ends.set()


async def test_a_group_is_bounded_by_bytes() -> None:
    """The commits of all partitions were one transaction, and another process waited for all of them."""
    jobs = Jobs()
    for _ in range(4):
        jobs.add(Job(lambda _: None, 150_000), bounded=True)
    assert [len(jobs.take(bulk=True)) for _ in range(3)] == [2, 2, 0]


async def test_small_writes_pass_large_ones_but_not_twice_in_a_row() -> None:
    """A single offer waited for the slices of all uploads before it."""
    jobs = Jobs()

    def add(size: int) -> Job:
        job = Job(lambda _: None, size)
        jobs.add(job, bounded=True)
        return job

    first, second, small = add(2_000_000), add(2_000_000), add(1_000)
    assert jobs.take(bulk=True) == [small]
    later = add(1_000)
    assert jobs.take(bulk=False) == [later]  # the other thread, whose groups do not count
    later = add(1_000)
    assert [jobs.take(bulk=True), jobs.take(bulk=True), jobs.take(bulk=True)] == [[first], [later], [second]]


async def test_rows_are_computed_again_if_another_process_was_faster(
    log: SqliteLog, path: Path, tmp_path: Path
) -> None:
    """Those computed before the lock was held have the offsets of the other process's records."""
    with held(tmp_path):
        late = asyncio.create_task(log.append(SUBMISSIONS, 0, [Record(b"bulk", bytes(20_000))] * 2))
        await waiting_for(tmp_path / "log.sqlite-turn-next")
        with closing(connect(path, busy_seconds=DEADLINE)) as other:
            stream = stream_of(read_streams(other), SUBMISSIONS, 0)
            other.execute("BEGIN IMMEDIATE")
            append_all(other, [Append({stream: [Record(b"first", b"v")]})], at=now())
            other.execute("COMMIT")
    assert await late == Appended(2, 3)
    assert await read_keys(log, SUBMISSIONS) == ["first", "bulk", "bulk"]


async def test_a_job_that_waited_when_the_writer_failed_can_be_withdrawn() -> None:
    """Its time-out raised another error than its answer."""
    jobs, job = Jobs(), Job(lambda _: None, 10)
    jobs.add(job, bounded=True)
    assert jobs.fail(RuntimeError()) == [job]
    assert jobs.withdraw(job)


async def test_one_bulk_write_at_a_time_waits_for_the_lock(tmp_path: Path) -> None:
    """The offer of one process waited for the slices of all others."""
    done: list[str] = []
    started = threading.Event()

    def first(_: sqlite3.Connection) -> None:
        done.append("bulk")
        started.set()
        wait_for_a_waiter(tmp_path)

    async with writing(tmp_path) as one, writing(tmp_path) as another, writing(tmp_path) as third:
        jobs = [asyncio.create_task(one.do(first, size=2_000_000))]
        await asyncio.to_thread(started.wait, DEADLINE)
        jobs.append(asyncio.create_task(another.do(lambda _: done.append("bulk"), size=2_000_000)))
        await asyncio.sleep(0.2)  # a bulk write that waited with the others would be first among them by now
        jobs.append(asyncio.create_task(third.do(lambda _: done.append("small"), size=1_000)))
        await asyncio.gather(*jobs)
    assert done == ["bulk", "small", "bulk"]


def wait_for_a_waiter(folder: Path) -> None:
    """Until another thread waits for the write lock, in the thread that holds it."""
    with (folder / "log.sqlite-turn-next").open("ab") as line, suppress(BlockingIOError):
        while True:
            fcntl.flock(line, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(line, fcntl.LOCK_UN)
            time.sleep(0.01)


async def waiting_for(path: Path) -> None:
    """Until another thread holds the lock of this file."""
    with path.open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            fcntl.flock(lock, fcntl.LOCK_UN)
            await asyncio.sleep(0.01)


async def test_a_process_that_has_written_does_not_pass_one_that_waits(tmp_path: Path) -> None:
    """The relay of one process wrote group after group, and the offer of another waited for several of them."""
    done: list[str] = []

    started = threading.Event()

    def first(_: sqlite3.Connection) -> None:
        done.append("one")
        started.set()
        wait_for_a_waiter(tmp_path)

    async with writing(tmp_path) as one, writing(tmp_path) as other:
        jobs = [asyncio.create_task(one.do(first))]
        await asyncio.to_thread(started.wait, DEADLINE)
        jobs.append(asyncio.create_task(other.do(lambda _: done.append("other"))))
        jobs.append(asyncio.create_task(one.do(lambda _: done.append("one again"))))
        await asyncio.gather(*jobs)
    assert done == ["one", "other", "one again"]


async def test_a_small_write_that_arrives_while_the_lock_is_held_precedes_a_large_one(tmp_path: Path) -> None:
    """A single offer waited twice for other processes, since the next group was chosen before the lock was taken."""
    done: list[str] = []
    async with writing(tmp_path) as writer:
        with held(tmp_path):
            large = asyncio.create_task(writer.do(lambda _: done.append("large"), size=2_000_000))
            await waiting_for(tmp_path / "log.sqlite-turn-next")
            small = asyncio.create_task(writer.do(lambda _: done.append("small"), size=1_000))
            await asyncio.sleep(0)
        await asyncio.gather(large, small)
    assert done == ["small", "large"]


async def test_a_cancelled_append_leaves_the_queue(path: Path, tmp_path: Path) -> None:
    """Repeated attempts while another process holds the file would fill the memory."""
    log = await SqliteLog.open(path, patience=0.5)
    await log.create_topics(TOPICS)
    with held(tmp_path):
        tracemalloc.start()
        try:
            for _ in range(3):
                await asyncio.gather(*(given_up(log) for _ in range(40)))
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    await log.close()
    assert kept < 25 * MAX_BYTES  # a write that began is held until its outcome is known
