"""The log in memory passes the contract, with each outcome of a write without an answer."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.clock import now
from gateway.errors import UnknownOutcomeError
from gateway.log.memory import Store
from gateway.log.port import EventLog, Output
from gateway.protocol.topic import DAY_MS, OFFERS, SUBMISSIONS
from tests.log.contract.event_log import EventLogContract
from tests.log.contract.log_fixture import TOPICS, Transaction, read_keys, record
from tests.memory_log import MemoryLog, WriteFault

pytestmark = pytest.mark.smoke


class TestMemoryLog(EventLogContract):
    fault: ClassVar[WriteFault] = WriteFault.UNANSWERED

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Any:  # noqa: ARG002 - it needs no path
        return Store()

    async def open_log(self, storage: Any) -> EventLog:
        return MemoryLog(partitions=3, store=storage)

    async def open_transaction(self, storage: Any, role: str, partition: int, outputs: Sequence[Output]) -> Transaction:
        return await MemoryLog(partitions=3, store=storage).hang(role, partition, outputs)

    async def compact(self, log: EventLog, topic: str) -> None:
        await _memory(log).maintain([one for one in TOPICS if one.name == topic], now=now())

    async def purge(self, log: EventLog, topic: str) -> None:
        await _memory(log).maintain([one for one in TOPICS if one.name == topic], now=now() + 400 * DAY_MS)

    async def expire(self, log: EventLog, topic: str) -> None:
        await self.purge(log, topic)

    @asynccontextmanager
    async def refuse_writes(self, storage: Any, log: EventLog) -> AsyncIterator[None]:  # noqa: ARG002 - no place to fill
        _memory(log).inject(*[WriteFault.REFUSED] * 100)
        yield
        _memory(log).heal()

    @asynccontextmanager
    async def lose_answers(self, storage: Any, log: EventLog) -> AsyncIterator[None]:  # noqa: ARG002 - as above
        _memory(log).inject(self.fault)
        yield
        _memory(log).heal()

    def stall(self, storage: Any, log: EventLog) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - as above
        return _memory(log).stalled()


class TestMemoryLogThatLosesUnansweredWrites(TestMemoryLog):
    fault = WriteFault.LOST


class TestMemoryLogWithLateWrites(TestMemoryLog):
    fault = WriteFault.LATE


async def test_a_late_append_is_placed_after_the_records_that_overtook_it() -> None:
    log = MemoryLog()
    await log.create_topics(TOPICS)
    log.inject(WriteFault.LATE)
    with pytest.raises(UnknownOutcomeError):
        await log.append(SUBMISSIONS, 0, [record("late")])
    await log.append(SUBMISSIONS, 0, [record("after")])
    await log.deliver()
    assert ["after", "late"] == await read_keys(log, SUBMISSIONS)


@pytest.mark.parametrize(("taken_over", "found"), [(False, ["late"]), (True, [])])
async def test_a_late_commit_succeeds_only_while_its_owner_is_not_fenced(taken_over: bool, found: list[str]) -> None:  # noqa: FBT001
    log = MemoryLog()
    await log.create_topics(TOPICS)
    owner = await log.own("relay", 0)
    log.inject(WriteFault.LATE)
    with pytest.raises(UnknownOutcomeError):
        await owner.commit([Output(OFFERS, 0, record("late"))])
    if taken_over:
        await log.own("relay", 0)
    await log.deliver()
    assert found == await read_keys(log, OFFERS)


def _memory(log: EventLog) -> MemoryLog:
    assert isinstance(log, MemoryLog)
    return log
