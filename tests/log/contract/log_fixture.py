"""Base class of the event-log contract: the fixtures of each implementation, and how the contract reads a log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from gateway.errors import LogUnavailableError, UnknownOutcomeError
from gateway.log.common import MAX_BYTES
from gateway.log.port import Chunk, EventLog, Output
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import COMMON, SUBMISSIONS, Topic, inbox

PARTITIONS = 3
TOPICS = (*COMMON, inbox("bretagne"))
DEADLINE = 20.0
"""Deadline of a wait, in seconds."""


Log = TypeVar("Log", bound=EventLog)


@asynccontextmanager
async def opened_log(opening: Awaitable[Log], topics: Sequence[Topic] = COMMON) -> AsyncIterator[Log]:
    """A log that is being opened, with these topics, until the block ends."""
    log = await opening
    try:
        if topics:
            await log.create_topics(topics)
        yield log
    finally:
        await log.close()


class Transaction(Protocol):
    """A transaction left open by a writer that stops."""

    async def commit(self) -> None: ...

    async def abort(self) -> None: ...


class LogFixture:
    """Hooks of an implementation. ``storage`` is the location of one log (a path, a prefix on a broker, a store in
    memory): each test gets a fresh one, and every ``open_log`` on the same storage opens the same log.

    A hook that an implementation cannot offer calls ``pytest.skip`` with its reason.
    """

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Any:
        """Empty storage."""
        return tmp_path / "log.sqlite"

    async def open_log(self, storage: Any) -> EventLog:
        """A client of the log in this storage, with three partitions. Does not create topics."""
        raise NotImplementedError

    async def open_transaction(self, storage: Any, role: str, partition: int, outputs: Sequence[Output]) -> Transaction:
        """Write outputs as the owner of (role, partition) in a transaction that stays open."""
        raise NotImplementedError

    async def compact(self, log: EventLog, topic: str) -> None:
        """Compact all that is on the topic now, keeping deletes."""
        raise NotImplementedError

    async def purge(self, log: EventLog, topic: str) -> None:
        """As ``compact``, but long enough after the writing that deletes go, too."""
        raise NotImplementedError

    async def expire(self, log: EventLog, topic: str) -> None:
        """Let retention delete all that is on a ``delete`` topic now."""
        raise NotImplementedError

    def refuse_writes(self, storage: Any, log: EventLog) -> AbstractAsyncContextManager[None]:
        """While entered, the log certainly cannot write (a full disk)."""
        raise NotImplementedError

    def lose_answers(self, storage: Any, log: EventLog) -> AbstractAsyncContextManager[None]:
        """While entered, writes of this client get no answer within its timeout; they may be written."""
        raise NotImplementedError

    def stall(self, storage: Any, log: EventLog) -> AbstractAsyncContextManager[None]:
        """While entered, writes wait, and fewer than 20,000 of them fit into the queue."""
        raise NotImplementedError

    @pytest.fixture
    async def log(self, storage: Any) -> AsyncIterator[EventLog]:
        """A client of a log that has its topics."""
        async with opened_log(self.open_log(storage), TOPICS) as log:
            yield log

    @pytest.fixture
    async def other(self, storage: Any, log: EventLog) -> AsyncIterator[EventLog]:  # noqa: ARG002 - the log comes first
        """Another client of the same log, as another process would have one."""
        async with opened_log(self.open_log(storage), ()) as other:
            yield other


def record(key: str, value: str | None = "") -> Record:
    """A record of text."""
    return Record(key.encode(), None if value is None else value.encode())


def records(count: int, prefix: str = "k") -> list[Record]:
    """``count`` records with keys ``{prefix}0`` … and a number as value."""
    return [record(f"{prefix}{number}", str(number)) for number in range(count)]


def keys(stored: Sequence[StoredRecord]) -> list[str]:
    """The keys as text."""
    return [(one.key or b"").decode() for one in stored]


async def read(log: EventLog, topic: str, partition: int = 0, position: int = 0) -> list[StoredRecord]:
    """All committed records from a position to the present end."""
    end = (await log.ends(topic))[partition]
    found: list[StoredRecord] = []
    async with asyncio.timeout(DEADLINE), log.reader({(topic, partition): position}) as reader:
        while position < end:
            for chunk in await reader.poll(limit=1_000, wait=1.0):
                found += chunk.records
                position = chunk.position
    return found


async def read_keys(log: EventLog, topic: str, partition: int = 0, position: int = 0) -> list[str]:
    """The keys of all committed records from a position to the present end."""
    return keys(await read(log, topic, partition, position))


async def reach(log: EventLog, topic: str, offset: int, partition: int = 0) -> None:
    """Wait until the end is beyond an offset."""
    async with asyncio.timeout(DEADLINE):
        while (await log.ends(topic))[partition] <= offset:
            await asyncio.sleep(0.02)


async def given_up(log: EventLog) -> None:
    """Append until the log gives up, and nothing of it was acknowledged."""
    with suppress(LogUnavailableError, UnknownOutcomeError):
        await log.append(SUBMISSIONS, 0, [Record(b"large", bytes(MAX_BYTES // 2))])
        pytest.fail("nothing can have been written")


def log_offset_of(chunk: Chunk) -> tuple[str, int]:
    """Topic and partition of a chunk."""
    return chunk.topic, chunk.partition
