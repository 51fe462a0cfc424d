"""A platform's submissions wait at its own intake while others submit: [ERR-006]."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from gateway.ingest.backlog import INBOX_AHEAD, SHARE, Backlog
from gateway.log.port import Output
from gateway.log.positions import Positions
from gateway.protocol.record import Record, position_record
from gateway.protocol.topic import COMMON, POSITIONS, SUBMISSIONS
from gateway.runtime.activity import Activity
from tests.clock import ManualClock
from tests.harness import running
from tests.memory_log import MemoryLog

A, B = "bretagne", "normandie"


class Steady:
    """A clock that moves with the event loop's, and can be set on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return 1_000.0 + asyncio.get_running_loop().time() + self.ahead


class Partition:
    """One partition of ``submissions``: what platforms have appended, and how far the relay has decided."""

    def __init__(self, log: MemoryLog, positions: Positions, activity: Activity, clock: Steady) -> None:
        self.log = log
        self.clock = clock
        self.backlog = Backlog(positions, activity, clock=clock)
        self.positions = positions
        self.end = 0

    async def submit(self, platform: str, number: int, *, alone: int | None = None) -> None:
        await self.backlog.enter(platform, 0, number, alone=alone)
        self.end += number
        self.backlog.append(platform, 0, number, end=self.end)

    async def decide(self, position: int) -> None:
        await self.log.append(POSITIONS, 0, [position_record(SUBMISSIONS, 0, position)])
        assert await self.positions.wait_for(lambda _: self.positions.of(SUBMISSIONS)[0] >= position, seconds=10)


@pytest.fixture
async def partition() -> AsyncIterator[Partition]:
    async with positions_of(MemoryLog(clock=ManualClock())) as (log, positions):
        yield Partition(log, positions, Activity(table=1), Steady())


@asynccontextmanager
async def positions_of(log: MemoryLog) -> AsyncIterator[tuple[MemoryLog, Positions]]:
    await log.create_topics(COMMON)
    positions = Positions(log)
    await positions.catch_up()
    async with running(positions.run()):
        yield log, positions


async def settled() -> None:
    """Let every task run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_platform_alone_has_no_bound(partition: Partition) -> None:
    for _ in range(50):
        await partition.submit(A, 1_000)
    assert not partition.backlog.full(A, 0)


async def test_a_platform_waits_while_its_share_is_undecided_and_another_submits(partition: Partition) -> None:
    await partition.submit(A, SHARE)
    await partition.submit(B, 1)
    assert (True, False) == (partition.backlog.full(A, 0), partition.backlog.full(B, 0))
    waiting = asyncio.create_task(partition.submit(A, 1))
    await settled()
    assert not waiting.done()
    await partition.submit(B, 1)  # is not delayed by it
    await partition.decide(partition.end)
    await waiting


async def test_the_other_partitions_of_a_platform_are_free(partition: Partition) -> None:
    await partition.submit(A, SHARE)
    await partition.submit(B, 1)
    await asyncio.wait_for(partition.backlog.enter(A, 1, SHARE), 10)


async def test_those_that_enter_at_once_share_one_bound(partition: Partition) -> None:
    """Parallel uploads of a platform do not pass together what each may pass alone."""
    await partition.submit(B, 1)
    entered = [asyncio.create_task(partition.backlog.enter(A, 0, SHARE)) for _ in range(4)]
    await settled()
    assert 1 == sum(one.done() for one in entered)
    for one in entered:
        one.cancel()


async def test_what_was_not_appended_is_not_counted(partition: Partition) -> None:
    await partition.submit(B, 1)
    await partition.backlog.enter(A, 0, SHARE)
    assert partition.backlog.full(A, 0)
    partition.backlog.leave(A, 0, SHARE)
    assert not partition.backlog.full(A, 0)


async def test_the_bound_ends_with_the_other_platforms_submissions(partition: Partition) -> None:
    await partition.submit(B, 1)
    await partition.submit(A, SHARE)
    assert partition.backlog.full(A, 0)
    partition.clock.ahead += 60
    assert not partition.backlog.full(A, 0)


async def test_an_inbox_alone_is_read_a_little_ahead_of_the_relay(partition: Partition) -> None:
    await partition.submit(A, INBOX_AHEAD, alone=INBOX_AHEAD)
    assert partition.backlog.full(A, 0, alone=INBOX_AHEAD)
    assert not partition.backlog.full(A, 0)


async def test_a_relay_that_stands_still_holds_nothing_back_for_long(partition: Partition) -> None:
    await partition.submit(A, SHARE)
    await partition.submit(B, 1)
    waiting = asyncio.create_task(partition.submit(A, 1))
    await settled()
    partition.clock.ahead += 60
    await partition.decide(1)
    await asyncio.wait_for(waiting, 10)


async def test_receipts_of_another_platform_show_that_it_submits_at_another_gateway(partition: Partition) -> None:
    await partition.submit(A, SHARE)
    assert not partition.backlog.full(A, 0)
    async with positions_of(MemoryLog(clock=ManualClock())) as (log, _):
        await log.append(SUBMISSIONS, 0, [Record(f"{B}:1".encode(), b"{}")])
        async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
            partition.backlog.decided(await reader.poll(limit=10, wait=1.0))
    assert partition.backlog.full(A, 0)


async def test_another_process_of_the_gateway_sees_who_submits(partition: Partition) -> None:
    memory = bytearray(128)
    here, there = (Activity(memory, process=number, table=1) for number in range(2))
    first = Backlog(partition.positions, here, clock=partition.clock)
    second = Backlog(partition.positions, there, clock=partition.clock)
    await first.enter(A, 0, SHARE)
    await second.enter(B, 0, 1)
    assert (True, False) == (first.full(A, 0), second.full(B, 0))
    assert not Activity(memory, process=0).others_since(0, 0.0)


class Owner:
    """An owner whose commit fails, or gives the ends of its outputs."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def commit(self, outputs: Sequence[Output]) -> dict[tuple[str, int], int]:
        if self._error is not None:
            raise self._error
        return {(one.topic, one.partition): 1_000 for one in outputs}

    async def end(self, topic: str, partition: int) -> int:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


async def test_a_commit_that_fails_leaves_nothing_counted(partition: Partition) -> None:
    await partition.submit(B, 1)
    outputs = [Output(SUBMISSIONS, 0, Record(b"x", b"y"))] * SHARE
    with pytest.raises(ConnectionError):
        await partition.backlog.commit(Owner(ConnectionError()), A, outputs)
    assert not partition.backlog.full(A, 0)
    await partition.backlog.commit(Owner(), A, outputs)
    assert partition.backlog.full(A, 0)
    await partition.decide(1_000)
    assert not partition.backlog.full(A, 0)
