"""The embedded log passes the contract and maintains its file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import now
from gateway.errors import LogUnavailableError
from gateway.log.common import MAX_BYTES, stream_of
from gateway.log.port import EventLog, Output
from gateway.log.sqlite import SqliteLog
from gateway.log.sqlite.append import Append, append_all
from gateway.log.sqlite.file import (
    READ_BYTES,
    connect,
    read_streams,
)
from gateway.log.sqlite.reader import NEAR_BYTES
from gateway.protocol.record import Record
from gateway.protocol.topic import DAY_MS, OFFERS, SUBMISSIONS
from tests.log.contract.event_log import EventLogContract
from tests.log.contract.log_fixture import TOPICS, Transaction, opened_log, read, read_keys, record, records

pytestmark = pytest.mark.smoke


class _OpenTransaction:
    """An open write transaction of another process: its records are not visible yet, and writers wait."""

    def __init__(self, storage: Path, outputs: Sequence[Output]) -> None:
        self._connection = connect(storage, busy_seconds=5.0)
        self._connection.execute("BEGIN IMMEDIATE")
        streams = read_streams(self._connection)
        for output in outputs:
            stream = stream_of(streams, output.topic, output.partition)
            append_all(self._connection, [Append({stream: [output.record]})], at=now())

    async def commit(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.close()

    async def abort(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


class TestSqliteLog(EventLogContract):
    async def open_log(self, storage: Any) -> EventLog:
        return await SqliteLog.open(storage, partitions=3)

    async def open_transaction(self, storage: Any, role: str, partition: int, outputs: Sequence[Output]) -> Transaction:  # noqa: ARG002
        return _OpenTransaction(storage, outputs)

    async def compact(self, log: EventLog, topic: str) -> None:
        await _sqlite(log).maintain([one for one in TOPICS if one.name == topic], now=now(), all_of_it=True)

    async def purge(self, log: EventLog, topic: str) -> None:
        later = now() + 400 * DAY_MS
        await _sqlite(log).maintain([one for one in TOPICS if one.name == topic], now=later, all_of_it=True)

    async def expire(self, log: EventLog, topic: str) -> None:
        await self.purge(log, topic)

    @asynccontextmanager
    async def refuse_writes(self, storage: Any, log: EventLog) -> AsyncIterator[None]:  # noqa: ARG002
        """The file may not grow: SQLite then answers as on a full disk."""
        writer = _sqlite(log)._writer

        async def limit(pages: int) -> None:
            for size in (0, MAX_BYTES):  # small jobs and bulk ones have a connection each
                await writer.do(
                    lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone(), size=size
                )

        (pages,) = await writer.do(lambda connection: connection.execute("PRAGMA page_count").fetchone())
        await limit(pages)
        yield
        await limit(1_000_000)

    @asynccontextmanager
    async def lose_answers(self, storage: Any, log: EventLog) -> AsyncIterator[None]:  # noqa: ARG002
        """Another process locks the file for longer than the client's timeout."""
        held = _OpenTransaction(storage, [])
        yield
        await held.abort()

    stall = lose_answers

    async def test_taking_a_partition_aborts_its_open_transaction(self, log: EventLog, storage: Any) -> None:
        """A process that dies in the middle of a write takes its transaction with it."""
        opened = _OpenTransaction(storage, [Output(OFFERS, 0, record("hung"))])
        taking = asyncio.create_task(log.own("relay", 0))
        await opened.abort()  # as the system does for a process that died
        owner = await taking
        assert [] == await read_keys(log, OFFERS)
        await owner.commit([Output(OFFERS, 0, record("new"))])
        assert ["new"] == await read_keys(log, OFFERS)


async def test_a_full_disk_is_reported_and_appends_continue_afterwards(log: SqliteLog) -> None:
    await log._writer.do(lambda connection: connection.execute("PRAGMA max_page_count = 200").fetchone())
    written = 0

    async def fill() -> None:
        nonlocal written
        while True:
            await log.append(SUBMISSIONS, 0, [Record(str(written).encode(), bytes(5_000))])
            written += 1

    with pytest.raises(LogUnavailableError, match="Free space"):
        await fill()
    await log._writer.do(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
    await log.append(SUBMISSIONS, 0, [record("after")])
    assert [*map(str, range(written)), "after"] == await read_keys(log, SUBMISSIONS)


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be taken for one" * 100])
async def test_a_file_that_is_no_log_is_refused_with_the_next_step(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    if content:
        with pytest.raises(LogUnavailableError, match="restore it from a backup"):
            await SqliteLog.open(path)
    else:
        await (await SqliteLog.open(path)).close()
    assert path.read_bytes() == content or not content


async def test_a_database_of_something_else_is_never_touched(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE precious (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(LogUnavailableError, match="something else"):
        await SqliteLog.open(path)
    assert before == path.read_bytes()


async def test_another_partition_count_than_the_files_is_a_finding(path: Path) -> None:
    async with opened_log(SqliteLog.open(path, partitions=3), TOPICS):
        pass
    async with opened_log(SqliteLog.open(path, partitions=6), ()) as log:
        (finding,) = await log.check_topics(TOPICS)
        assert 3 == log.partitions
    assert "has 3 partitions, the settings ask for 6" in finding


@pytest.mark.parametrize("count", [99, 100, 101, 250])
async def test_a_batch_of_several_statements_keeps_its_order(log: SqliteLog, count: int) -> None:
    """Whole hundreds are written together, the rest row by row."""
    batch = [Record(b"k%d" % n, None if n % 7 == 0 else b"v%d" % n, (("h", b"%d" % n),)) for n in range(count)]
    appended = await log.append(SUBMISSIONS, 0, batch)
    stored = await read(log, SUBMISSIONS)
    assert batch == [Record(one.key, one.value, one.headers) for one in stored]
    assert [one.offset for one in stored] == list(range(appended.first, appended.last + 1))


async def test_large_records_come_in_small_pages(log: SqliteLog) -> None:
    """A poll is bounded in bytes, too; that of a tail, which the event loop reads, to less."""
    for _ in range(20):
        await log.append(SUBMISSIONS, 0, [Record(b"large", bytes(100_000))] * 10)
    for at, most in ((0, READ_BYTES), (160, NEAR_BYTES)):
        async with log.reader({(SUBMISSIONS, 0): at}) as reader:
            (chunk,) = await reader.poll(limit=1_000, wait=0.0)
        assert most // 100_000 + 1 == len(chunk.records)
    assert 200 == len(await read(log, SUBMISSIONS))


async def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    """[SEC-009]: T-21."""
    log = await SqliteLog.open(path)
    await log.close()
    assert path.stat().st_mode & 0o077 == 0


async def test_small_upkeep_leaves_small_gains_alone(log: SqliteLog) -> None:
    """The cost of compaction is in proportion to the new records; a later, worthwhile one finds everything."""
    await log.append(OFFERS, 0, records(10))
    await log.append(OFFERS, 0, records(10))
    await log.maintain(TOPICS, now=now())
    assert 20 == len(await read_keys(log, OFFERS))
    for _ in range(2):
        await log.append(OFFERS, 0, records(600))
    await log.maintain(TOPICS, now=now())
    assert 600 == len(await read_keys(log, OFFERS))


def _sqlite(log: EventLog) -> SqliteLog:
    assert isinstance(log, SqliteLog)
    return log
