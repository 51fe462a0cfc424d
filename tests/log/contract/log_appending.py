"""The event-log contract, appending: durable, atomic, in order, bounded, with unknown outcomes reported as such."""

import asyncio
from typing import Any

import pytest

from gateway.clock import now
from gateway.errors import (
    LogBusyError,
    LogUnavailableError,
    TopicError,
    UnknownOutcomeError,
)
from gateway.log.port import EventLog
from gateway.protocol.record import Record
from gateway.protocol.topic import OFFERS, RECEIPTS, SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, LogFixture, keys, read, read_keys, record, records


class Appending(LogFixture):
    """The guarantees of ``append``."""

    async def test_a_batch_is_read_back_in_its_order_where_the_answer_says(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 1, records(3, "before"))
        appended = await log.append(SUBMISSIONS, 1, records(5))

        stored = await read(log, SUBMISSIONS, 1, appended.first)

        assert ["k0", "k1", "k2", "k3", "k4"] == keys(stored)
        assert list(range(appended.first, appended.last + 1)) == [one.offset for one in stored]

    async def test_offsets_grow_from_batch_to_batch(self, log: EventLog) -> None:
        first = await log.append(SUBMISSIONS, 0, records(2))
        second = await log.append(SUBMISSIONS, 0, records(1))
        assert first.last < second.first
        assert (await log.ends(SUBMISSIONS))[0] > second.last

    async def test_partitions_and_topics_are_apart(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, [record("a")])
        await log.append(SUBMISSIONS, 2, [record("b")])
        await log.append(RECEIPTS, 0, [record("c")])
        assert [["a"], [], ["b"]] == [await read_keys(log, SUBMISSIONS, partition) for partition in range(3)]
        assert ["c"] == await read_keys(log, RECEIPTS, 0)

    async def test_bytes_come_back_exactly(self, log: EventLog) -> None:
        """Any bytes, empty ones and none, tombstones, repeated header names, large values."""
        written = [
            Record(b"\x00\xff\xfe key", b"\x80 not UTF-8 \x00"),
            Record(b"tombstone", None),
            Record(b"empty", b""),
            Record(None, b"no key"),
            Record(
                b"headers",
                b"v",
                (("ce_id", b"\x00\xff"), ("h\u00e9", b""), ("ce_id", b"again"), ("big", b"x" * 70_000)),
            ),
            Record(b"large", bytes(range(256)) * 400),
        ]
        await log.append(SUBMISSIONS, 0, written)
        stored = await read(log, SUBMISSIONS)
        assert written == [Record(one.key, one.value, tuple(one.headers)) for one in stored]

    async def test_time_stamps_are_the_times_of_appending_and_never_decrease(self, log: EventLog) -> None:
        tolerance = 2_000
        before = now()
        for _ in range(3):
            await log.append(SUBMISSIONS, 0, records(2))
        times = [one.appended_at for one in await read(log, SUBMISSIONS)]
        assert sorted(times) == times
        assert before - tolerance <= times[0] <= times[-1] <= now() + tolerance

    async def test_concurrent_appends_are_each_acknowledged_exactly_once(self, log: EventLog) -> None:
        async def writer(name: int) -> list[tuple[int, str]]:
            return [
                ((await log.append(SUBMISSIONS, 0, [record(f"{name}-{index}")])).first, f"{name}-{index}")
                for index in range(20)
            ]

        acknowledged = [offset for offsets in await asyncio.gather(*map(writer, range(32))) for offset in offsets]

        assert sorted(acknowledged) == [(one.offset, (one.key or b"").decode()) for one in await read(log, SUBMISSIONS)]

    async def test_two_clients_append_to_the_same_partition(self, log: EventLog, other: EventLog) -> None:
        mine, theirs = await asyncio.gather(
            log.append(SUBMISSIONS, 0, records(50, "a")), other.append(SUBMISSIONS, 0, records(50, "b"))
        )
        stored = {one.offset: (one.key or b"").decode() for one in await read(other, SUBMISSIONS)}
        assert [f"a{number}" for number in range(50)] == [stored[o] for o in range(mine.first, mine.last + 1)]
        assert [f"b{number}" for number in range(50)] == [stored[o] for o in range(theirs.first, theirs.last + 1)]
        assert len(stored) == 100

    async def test_the_end_is_never_inside_a_batch(self, log: EventLog, other: EventLog) -> None:
        """A batch is readable as a whole or not at all."""
        done = asyncio.Event()
        seen: set[int] = set()

        async def watch() -> None:
            while not done.is_set():
                seen.add((await other.ends(SUBMISSIONS))[0])
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        batches = [await log.append(SUBMISSIONS, 0, records(200)) for _ in range(10)]
        done.set()
        await watching
        assert [] == [end for end in seen for batch in batches if batch.first < end <= batch.last]

    @pytest.mark.parametrize(
        "batch",
        [
            pytest.param([], id="empty"),
            pytest.param([Record(b"k", b"v")] * 1_001, id="over 1,000 records"),
            pytest.param([Record(b"k", bytes(600_000))] * 2, id="over 1 MiB"),
            pytest.param([Record(b"k", b"", (("h", bytes(1_048_577)),))], id="over 1 MiB in headers"),
        ],
    )
    async def test_a_batch_out_of_bounds_is_a_mistake_of_the_caller(self, log: EventLog, batch: list[Record]) -> None:
        with pytest.raises(ValueError, match="append"):
            await log.append(SUBMISSIONS, 0, batch)
        assert [] == await read(log, SUBMISSIONS)

    async def test_a_batch_at_the_bounds_is_taken(self, log: EventLog) -> None:
        await log.append(SUBMISSIONS, 0, [Record(b"k", bytes(1_000))] * 1_000)
        await log.append(SUBMISSIONS, 0, [Record(b"k", bytes(1_048_576 - 1))])
        assert 1_001 == len(await read(log, SUBMISSIONS))

    @pytest.mark.parametrize(("topic", "partition"), [("nowhere", 0), (SUBMISSIONS, 3)])
    async def test_a_missing_topic_or_partition_is_named(self, log: EventLog, topic: str, partition: int) -> None:
        with pytest.raises(TopicError, match=topic):
            await log.append(topic, partition, records(1))

    async def test_a_cancelled_append_leaves_the_log_in_order(self, log: EventLog) -> None:
        cancelled = asyncio.create_task(log.append(SUBMISSIONS, 0, [record("cancelled")]))
        await asyncio.sleep(0)
        cancelled.cancel()
        async with asyncio.timeout(DEADLINE):
            await log.append(SUBMISSIONS, 0, [record("after")])
        found = await read_keys(log, SUBMISSIONS)
        assert [key for key in found if key != "cancelled"] == ["after"]
        assert found.count("cancelled") <= 1

    async def test_acknowledged_records_are_there_after_reopening(self, log: EventLog, storage: Any) -> None:
        appended = await log.append(SUBMISSIONS, 0, records(10))
        await log.close()
        again = await self.open_log(storage)
        try:
            assert keys(await read(again, SUBMISSIONS)) == [f"k{number}" for number in range(10)]
            assert (await again.append(SUBMISSIONS, 0, records(1))).first > appended.last
        finally:
            await again.close()

    async def test_closing_writes_queued_records(self, log: EventLog, other: EventLog) -> None:
        queued = [asyncio.create_task(log.append(SUBMISSIONS, 0, [record(str(number))])) for number in range(50)]
        await asyncio.sleep(0)
        await log.close()
        offsets = [appended.first for appended in await asyncio.gather(*queued)]
        assert sorted(offsets) == [one.offset for one in await read(other, SUBMISSIONS)]

    async def test_a_closed_log_accepts_no_records(self, log: EventLog) -> None:
        await log.close()
        with pytest.raises(LogUnavailableError):
            await log.append(SUBMISSIONS, 0, records(1))
        await log.close()

    async def test_a_refused_append_wrote_nothing_and_the_next_one_works(self, log: EventLog, storage: Any) -> None:
        await log.append(SUBMISSIONS, 0, [record("before")])
        async with self.refuse_writes(storage, log):
            for _ in range(3):
                with pytest.raises(LogUnavailableError):
                    await log.append(SUBMISSIONS, 0, [Record(b"refused", bytes(500_000))])
            assert ["before"] == await read_keys(log, SUBMISSIONS)
        await log.append(SUBMISSIONS, 0, [record("after")])
        assert ["before", "after"] == await read_keys(log, SUBMISSIONS)

    async def test_an_append_without_an_answer_is_unknown_and_written_at_most_once(
        self, log: EventLog, storage: Any
    ) -> None:
        async with self.lose_answers(storage, log):
            with pytest.raises(UnknownOutcomeError):
                await log.append(SUBMISSIONS, 0, records(3, "unknown"))
        async with asyncio.timeout(DEADLINE):
            await log.append(SUBMISSIONS, 0, [record("after")])
        found = await read_keys(log, SUBMISSIONS)
        unknown = [key for key in found if key != "after"]
        assert unknown in ([], ["unknown0", "unknown1", "unknown2"])
        assert found.count("after") == 1

    async def test_a_full_queue_raises_busy_and_writes_no_refused_record(self, log: EventLog, storage: Any) -> None:
        async with self.stall(storage, log):
            calls = [asyncio.create_task(log.append(OFFERS, 0, [record(str(number))])) for number in range(20_000)]
            async with asyncio.timeout(DEADLINE):
                await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        refused = [error for error in outcomes if isinstance(error, BaseException)]
        assert {LogBusyError} == {type(error) for error in refused}
        accepted = [str(number) for number, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException)]
        assert sorted(accepted) == sorted(await read_keys(log, OFFERS))
