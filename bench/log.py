"""Append, commit and read rates of a log, beside those of its bare storage in the same run.

    python -m bench.log memory
    python -m bench.log sqlite                # in a temporary folder; --folder names another disk
    python -m bench.log sqlite --busy         # while the event loop has other work, as in a serving process

Records are 1.3 kB, as offers are. Every figure is the best of three rounds; the ratio is to one thread that writes the
same rows with ``executemany`` into a WAL file with ``synchronous=FULL``, 500 to a transaction.
"""

import argparse
import asyncio
import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.log.memory import MemoryLog
from gateway.log.port import EventLog, Output
from gateway.log.sqlite import SqliteLog
from gateway.protocol.record import Record, event_headers, position_record
from gateway.protocol.topic import COMMON, OFFERS, POSITIONS, RECEIPTS, SUBMISSIONS

BATCH = 500
VALUE = os.urandom(1_300)
RECEIPT = os.urandom(400)
PARTITIONS = 3


def batch() -> list[Record]:
    """One append of an upload."""
    return [Record(b"bretagne:%07d" % number, VALUE) for number in range(BATCH)]


def outputs(partition: int) -> list[Output]:
    """The relay's commit for 500 submissions: as many offers and receipts, and its position."""
    found = []
    for number in range(BATCH):
        key = f"bretagne:{number:07}"
        headers = event_headers(key, number, at=1_800_000_000_000, published=True)
        found.append(Output(OFFERS, partition, Record(key.encode(), VALUE, headers)))
        found.append(Output(RECEIPTS, partition, Record(key.encode(), RECEIPT)))
    return [*found, Output(POSITIONS, partition, position_record(SUBMISSIONS, partition, BATCH))]


async def append_batches(log: EventLog, rounds: int) -> int:
    """Three tasks, each awaiting its batch, as one upload does."""

    async def lane(partition: int) -> None:
        for _ in range(rounds):
            await log.append(SUBMISSIONS, partition, records)

    records = batch()
    await asyncio.gather(*map(lane, range(PARTITIONS)))
    return rounds * PARTITIONS * BATCH


async def append_singles(log: EventLog, rounds: int) -> int:
    """32 tasks, each awaiting one record at a time, as 32 connections with PUT do."""

    async def lane(number: int) -> None:
        for _ in range(rounds):
            await log.append(SUBMISSIONS, number % PARTITIONS, [Record(b"bretagne:%d" % number, VALUE)])

    await asyncio.gather(*map(lane, range(32)))
    return rounds * 32


async def commit_submissions(log: EventLog, rounds: int) -> int:
    """Three owners, each with one commit in flight."""

    async def lane(partition: int) -> None:
        owner = await log.own("relay", partition)
        committed = outputs(partition)
        for _ in range(rounds):
            await owner.commit(committed)
        await owner.close()

    await asyncio.gather(*map(lane, range(PARTITIONS)))
    return rounds * PARTITIONS * BATCH


async def read_back(log: EventLog, _rounds: int) -> int:
    """Read all of ``submissions`` by one reader, 500 records per poll."""
    ends = await log.ends(SUBMISSIONS)
    positions = dict.fromkeys(range(PARTITIONS), 0)
    count = 0
    async with log.reader({(SUBMISSIONS, partition): 0 for partition in positions}) as reader:
        while any(positions[partition] < end for partition, end in enumerate(ends)):
            for chunk in await reader.poll(limit=BATCH, wait=1.0):
                count += len(chunk.records)
                positions[chunk.partition] = chunk.position
    return count


def write_bare(folder: Path, rounds: int) -> float:
    """Rows per second of the sqlite3 module alone."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE record (offset INTEGER PRIMARY KEY, at INTEGER, key BLOB, headers BLOB, value BLOB)"
    )
    records = batch()
    begun = time.perf_counter()
    for transaction in range(rounds):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?)",
            [(transaction * BATCH + number, 0, one.key, None, one.value) for number, one in enumerate(records)],
        )
        connection.execute("COMMIT")
    taken = time.perf_counter() - begun
    connection.close()
    (folder / "bare.sqlite").unlink()
    return rounds * BATCH / taken


@asynccontextmanager
async def other_work(*, wanted: bool) -> AsyncIterator[None]:
    """Keeps the event loop's thread computing, in pieces of about 2 ms, while entered."""

    async def compute() -> None:
        while True:
            for _ in range(100_000):
                pass
            await asyncio.sleep(0)

    task = asyncio.create_task(compute()) if wanted else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


MEASURES: Sequence[tuple[str, Callable[[EventLog, int], Awaitable[int]], int]] = (
    ("append by 500, records/s", append_batches, 30),
    ("append single, 32 tasks, records/s", append_singles, 40),
    ("commit by 500, submissions/s", commit_submissions, 15),
    ("read back, records/s", read_back, 1),
)


async def measure(kind: str, folder: Path, *, busy: bool) -> None:
    """Measure one kind of log and print the table."""
    bare = max(write_bare(folder, 60) for _ in range(3))
    log: EventLog = MemoryLog() if kind == "memory" else await SqliteLog.open(folder / "log.sqlite")
    await log.create_topics(COMMON)
    print(f"{kind}{', event loop busy' if busy else ''}")
    print(f"{'sqlite3 executemany by 500, records/s':<40}{bare:>12,.0f}{1:>8.2f}")
    async with other_work(wanted=busy):
        for name, work, rounds in MEASURES:
            best = 0.0
            for _ in range(3):
                begun = time.perf_counter()
                count = await work(log, rounds)
                best = max(best, count / (time.perf_counter() - begun))
            print(f"{name:<40}{best:>12,.0f}{best / bare:>8.2f}", flush=True)
    await log.close()


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("memory", "sqlite"))
    parser.add_argument("--folder", type=Path, help="where the file is written for the time of the run")
    parser.add_argument("--busy", action="store_true", help="keep the event loop computing meanwhile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        asyncio.run(measure(arguments.kind, Path(folder), busy=arguments.busy))


if __name__ == "__main__":
    main()
