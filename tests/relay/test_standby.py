"""A process keeps the tables of partitions that others relay: a takeover does not read all offers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from gateway.log.memory.log import MemoryReader
from gateway.protocol.topic import COMMON, OFFERS
from tests.harness import until
from tests.memory_log import MemoryLog
from tests.relay.conftest import NOW, RelayHarness

MANY = 60


class Moving:
    """A membership whose assignment the test changes."""

    def __init__(self, assignments: asyncio.Queue[frozenset[int]]) -> None:
        self._assignments = assignments

    async def changed(self) -> frozenset[int]:
        return await self._assignments.get()

    async def close(self) -> None:
        pass


class Replica(MemoryLog):
    """A process's view of a log that it shares with another one. It notes where it starts to read ``offers``."""

    def __init__(self, log: MemoryLog, *first: int) -> None:
        super().__init__(clock=lambda: NOW, store=log._store)
        self.assignments: asyncio.Queue[frozenset[int]] = asyncio.Queue()
        self.assign(*first)
        self.read_from: list[tuple[int, int]] = []

    def assign(self, *partitions: int) -> None:
        self.assignments.put_nowait(frozenset(partitions))

    async def join(self, group: str, topic: str) -> Moving:  # type: ignore[override]  # noqa: ARG002
        return Moving(self.assignments)

    def reader(self, positions: Mapping[tuple[str, int], int]) -> MemoryReader:
        self.read_from += [(partition, start) for (topic, partition), start in positions.items() if topic == OFFERS]
        return super().reader(positions)


class Two:
    """Two relays on one log: the first begins with partition 0, the second with the others."""

    def __init__(self, log: MemoryLog, folder: Path) -> None:
        self.log = log
        self.first, self.second = Replica(log, 0), Replica(log, 1, 2)
        self.relays = [RelayHarness(self.first, folder / "first"), RelayHarness(self.second, folder / "second")]
        for relay in self.relays:
            relay.folder.mkdir()

    async def submit(self, revision: int) -> None:
        relay = self.relays[0]
        await relay.submit(*(relay.publish(number, revision) for number in range(MANY)))
        await relay.settled()

    async def kept_up(self, replica: int, partitions: set[int]) -> None:
        """Wait until the tables of these partitions have reached the end of ``offers``."""
        folder = self.relays[replica].folder

        async def at_the_end() -> bool:
            ends = await self.log.ends(OFFERS)
            return all(position(folder / f"relay-{one}.sqlite") == ends[one] for one in partitions)

        await until(at_the_end)


def position(table: Path) -> int | None:
    try:
        with closing(sqlite3.connect(f"file:{table}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT position FROM position").fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return None


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    log = MemoryLog(clock=lambda: NOW)
    await log.create_topics(COMMON)
    pair = Two(log, tmp_path)
    for relay in pair.relays:
        relay.start()
    yield pair
    for relay in pair.relays:
        await relay.stop()


async def test_a_takeover_reads_only_what_its_table_lacks(two: Two) -> None:
    await two.submit(1)
    await two.kept_up(0, {0, 1, 2})
    await two.relays[1].stop()
    two.first.read_from.clear()
    two.first.assign(0, 1, 2)
    await two.submit(2)
    starts = [start for _, start in two.first.read_from]
    offers = await two.relays[0].offers()
    assert {offer.known.revision for offer in offers.values()} == {2}
    assert len(offers) == MANY
    assert 0 not in starts


async def test_a_partition_that_was_given_away_is_followed_again(two: Two) -> None:
    await two.submit(1)
    two.first.assign()
    two.second.assign(0, 1, 2)
    await two.submit(2)
    await two.kept_up(0, {0, 1, 2})
    two.second.assign()
    two.first.assign(0, 1, 2)
    await two.submit(3)
    assert {offer.known.revision for offer in (await two.relays[0].offers()).values()} == {3}
