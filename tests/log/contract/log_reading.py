"""The event-log contract, reading: from any position, committed records only, across gaps, woken by new records."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from gateway.errors import PositionLostError, TopicError
from gateway.log.port import Chunk, EventLog, Output
from gateway.protocol.topic import OFFERS, RECEIPTS, SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, LogFixture, keys, log_offset_of, read, read_keys, record, records


class Reading(LogFixture):
    """What ``reader``, ``starts`` and ``ends`` promise."""

    async def test_an_empty_log_starts_and_ends_at_zero(self, log: EventLog) -> None:
        assert (0, 0, 0) == await log.starts(SUBMISSIONS)
        assert (0, 0, 0) == await log.ends(SUBMISSIONS)

    async def test_a_reader_starts_at_the_position_it_is_given(self, log: EventLog) -> None:
        appended = await log.append(SUBMISSIONS, 0, records(10))
        assert ["k7", "k8", "k9"] == await read_keys(log, SUBMISSIONS, 0, appended.first + 7)

    async def test_a_limit_is_kept_and_nothing_is_lost_or_read_twice_by_it(self, log: EventLog) -> None:
        for partition in range(3):
            await log.append(SUBMISSIONS, partition, records(25, f"{partition}-"))
        ends = await log.ends(SUBMISSIONS)
        positions = {(SUBMISSIONS, partition): 0 for partition in range(3)}
        found: dict[tuple[str, int], list[str]] = {topic_partition: [] for topic_partition in positions}
        async with asyncio.timeout(DEADLINE), log.reader(positions) as reader:
            while any(positions[SUBMISSIONS, partition] < ends[partition] for partition in range(3)):
                chunks = await reader.poll(limit=7, wait=1.0)
                assert sum(len(chunk.records) for chunk in chunks) <= 7
                for chunk in chunks:
                    found[log_offset_of(chunk)] += keys(chunk.records)
                    assert chunk.position > positions[log_offset_of(chunk)]
                    positions[log_offset_of(chunk)] = chunk.position
        assert found == {(SUBMISSIONS, p): [f"{p}-{number}" for number in range(25)] for p in range(3)}

    async def test_one_reader_follows_several_topics(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, [record("a")])
        await log.append(RECEIPTS, 2, [record("b")])
        found: dict[tuple[str, int], list[str]] = {}
        async with asyncio.timeout(DEADLINE), log.reader({(SUBMISSIONS, 0): 0, (RECEIPTS, 2): 0}) as reader:
            while len(found) < 2:
                for chunk in await reader.poll(limit=10, wait=1.0):
                    found.setdefault(log_offset_of(chunk), []).extend(keys(chunk.records))
        assert found == {(SUBMISSIONS, 0): ["a"], (RECEIPTS, 2): ["b"]}

    async def test_at_the_end_a_poll_waits_and_then_brings_nothing(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, records(2))
        end = (await log.ends(SUBMISSIONS))[0]
        clock = asyncio.get_running_loop()
        started = clock.time()
        async with log.reader({(SUBMISSIONS, 0): end}) as reader:
            assert [] == list(await reader.poll(limit=10, wait=0.2))
        assert clock.time() - started >= 0.19

    async def test_a_waiting_reader_is_woken_by_an_append(self, log: EventLog, other: EventLog) -> None:
        """Whichever client appends: this one or another."""
        async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
            for writer in (log, other):
                waiting = asyncio.create_task(_first(reader.poll(limit=10, wait=DEADLINE)))
                await asyncio.sleep(0.05)
                await writer.append(SUBMISSIONS, 0, [record("wake up")])
                async with asyncio.timeout(DEADLINE / 2):
                    assert ["wake up"] == await waiting

    async def test_a_gap_moves_the_position_without_records(self, log: EventLog) -> None:
        """A commit burns offsets; a reader at such an offset must reach the end without a record."""
        async with asyncio.timeout(DEADLINE):
            owner = await log.own("relay", 0)
            ends = await owner.commit([Output(OFFERS, 0, record("a"))])
            await owner.close()
            last = (await read(log, OFFERS))[-1].offset
            position, end = last + 1, (await log.ends(OFFERS))[0]
            assert ends == {(OFFERS, 0): end}
            assert position < end, "a commit must burn an offset, or nobody notices who counts on dense ones"
            async with log.reader({(OFFERS, 0): position}) as reader:
                while position < end:
                    for chunk in await reader.poll(limit=10, wait=1.0):
                        assert [] == list(chunk.records)
                        position = chunk.position
            assert position == end

    async def test_readers_do_not_disturb_each_other(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, records(100))
        found = await asyncio.gather(*(read_keys(log, SUBMISSIONS) for _ in range(5)))
        assert [[f"k{number}" for number in range(100)]] * 5 == found

    async def test_a_cancelled_poll_loses_nothing(self, log: EventLog) -> None:
        async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.poll(limit=10, wait=DEADLINE), 0.1)
            await log.append(SUBMISSIONS, 0, records(2))
            async with asyncio.timeout(DEADLINE):
                assert ["k0", "k1"] == await _first(reader.poll(limit=10, wait=DEADLINE))

    async def test_a_position_beyond_the_end_is_lost(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, records(3))
        async with asyncio.timeout(DEADLINE), log.reader({(SUBMISSIONS, 0): 1_000}) as reader:
            with pytest.raises(PositionLostError, match=SUBMISSIONS):
                await reader.poll(limit=10, wait=DEADLINE)

    async def test_a_position_below_the_start_is_lost(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, records(3))
        await self.expire(log, SUBMISSIONS)
        await log.append(SUBMISSIONS, 0, [record("later")])
        async with asyncio.timeout(DEADLINE), log.reader({(SUBMISSIONS, 0): 0}) as reader:
            with pytest.raises(PositionLostError, match=SUBMISSIONS):
                await reader.poll(limit=10, wait=DEADLINE)

    async def test_a_topic_that_does_not_exist_is_named(self, log: EventLog) -> None:
        for ask in (log.starts, log.ends):
            with pytest.raises(TopicError, match="nowhere"):
                await ask("nowhere")


async def _first(polling: Awaitable[Sequence[Chunk]]) -> list[str]:
    chunks = await polling
    return [key for chunk in chunks for key in keys(chunk.records)]
