"""A topic mirror holds the fold of all records of its topic, through outages and through the loss of its position."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from gateway.errors import LogUnavailableError
from gateway.log.memory.log import MemoryReader
from gateway.log.mirror import TopicMirror, fold_topic
from gateway.log.port import Chunk, Output
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import COMMON, RUNS, SUBMISSIONS
from tests.harness import running
from tests.memory_log import MemoryLog

Values = Mapping[str, str]


def fold(values: Values, records: Sequence[StoredRecord]) -> Values:
    read = {(record.key or b"").decode(): (record.value or b"").decode() for record in records}
    return {**values, **read}


class FlakyLog(MemoryLog):
    """A log whose readers fail a given number of times, after they have read records."""

    fails = 0

    def reader(self, positions: Mapping[tuple[str, int], int]) -> MemoryReader:
        log = self

        class Reader(MemoryReader):
            async def poll(self, *, limit: int, wait: float) -> Sequence[Chunk]:
                chunks = await super().poll(limit=limit, wait=wait)
                if log.fails:
                    log.fails -= 1
                    raise LogUnavailableError("away")
                return chunks

        return Reader(self._store, positions)


@pytest.fixture
async def log() -> FlakyLog:
    log = FlakyLog(partitions=2)
    await log.create_topics(COMMON)
    return log


def record(key: str, value: str) -> Record:
    return Record(key.encode(), value.encode())


def mirror_of(log: MemoryLog, topic: str = RUNS, partitions: Sequence[int] | None = None) -> TopicMirror[Values]:
    return TopicMirror(log, topic, fold=fold, empty={}, partitions=partitions)


async def test_a_mirror_that_has_caught_up_holds_the_topics_state(log: FlakyLog) -> None:
    await log.append(RUNS, 0, [record("a", "1"), record("a", "2")])
    await log.append(RUNS, 1, [record("b", "3")])
    mirror = mirror_of(log)
    assert ({}, False) == (mirror.state, mirror.caught_up)
    await mirror.catch_up()
    assert ({"a": "2", "b": "3"}, True) == (mirror.state, mirror.caught_up)
    await mirror.close()
    nothing: Values = {}
    assert mirror.state == await fold_topic(log, RUNS, fold, nothing)


async def test_it_holds_its_own_partitions_only(log: FlakyLog) -> None:
    await log.append(RUNS, 0, [record("a", "1")])
    await log.append(RUNS, 1, [record("b", "2")])
    mirror = mirror_of(log, partitions=(1,))
    await mirror.catch_up()
    assert {"b": "2"} == mirror.state
    await mirror.close()


async def test_it_waits_for_no_record_of_an_empty_topic(log: FlakyLog) -> None:
    mirror = mirror_of(log)
    async with asyncio.timeout(0.5):
        await mirror.catch_up()
    assert mirror.caught_up


async def test_while_it_runs_others_advance_it_and_wait_for_its_state(log: FlakyLog) -> None:
    mirror = mirror_of(log)
    async with running(mirror.run()):
        waiting = asyncio.create_task(mirror.wait_for(lambda values: "b" in values, seconds=10))
        appended = await log.append(RUNS, 0, [record("a", "1")])
        async with asyncio.timeout(10):
            await mirror.advance({0: appended.last + 1})
        assert {"a": "1"} == mirror.state
        await log.append(RUNS, 1, [record("b", "2")])
        assert await waiting
        assert not await mirror.wait_for(lambda values: "c" in values, seconds=0.01)


async def test_after_an_outage_a_mirror_continues_without_a_gap(log: FlakyLog) -> None:
    mirror = mirror_of(log)
    await mirror.catch_up()
    await log.append(RUNS, 0, [record("a", "1")])
    log.fails = 1
    with pytest.raises(LogUnavailableError):
        await mirror.run()
    await mirror.catch_up()
    assert {"a": "1"} == mirror.state
    await mirror.close()


async def test_records_that_a_fold_refuses_are_read_again(log: FlakyLog) -> None:
    refusing = True

    def strict(values: Values, records: Sequence[StoredRecord]) -> Values:
        if refusing:
            raise ValueError("refused")
        return fold(values, records)

    mirror: TopicMirror[Values] = TopicMirror(log, RUNS, fold=strict, empty={})
    await log.append(RUNS, 0, [record("a", "1")])
    with pytest.raises(ValueError, match="refused"):
        await mirror.catch_up()
    refusing = False
    await mirror.catch_up()
    assert {"a": "1"} == mirror.state
    await mirror.close()


async def test_a_lost_position_rebuilds_the_state_and_the_old_one_answers_meanwhile() -> None:
    (topic,) = (one for one in COMMON if one.name == SUBMISSIONS)
    now = 1_000
    log = MemoryLog(partitions=2, clock=lambda: now)
    await log.create_topics(COMMON)
    answers: list[tuple[Values, bool]] = []

    def watched(values: Values, records: Sequence[StoredRecord]) -> Values:
        answers.append((mirror.state, mirror.caught_up))
        return fold(values, records)

    mirror: TopicMirror[Values] = TopicMirror(log, SUBMISSIONS, fold=watched, empty={})
    await log.append(SUBMISSIONS, 0, [record("old", "1")])
    await log.append(SUBMISSIONS, 1, [record("other", "2")])
    await mirror.catch_up()
    await log.append(SUBMISSIONS, 0, [record("lost", "3")])
    now += topic.retention_ms
    await log.append(SUBMISSIONS, 0, [record("kept", "4")])
    await log.maintain([topic], now=now + 1)
    answers.clear()
    await mirror.catch_up()
    assert {"kept": "4"} == mirror.state
    assert [({"old": "1", "other": "2"}, False)] == answers
    assert mirror.caught_up
    await log.append(SUBMISSIONS, 1, [record("new", "5")])
    await mirror.catch_up()
    assert {"kept": "4", "new": "5"} == mirror.state
    await mirror.close()


async def test_records_behind_an_open_transaction_are_read_once_it_ends(log: FlakyLog) -> None:
    transaction = await log.hang("relay", 0, [Output(RUNS, 0, record("a", "1"))])
    await log.append(RUNS, 0, [record("b", "2")])
    mirror = mirror_of(log)
    await mirror.catch_up()
    assert {} == mirror.state
    await transaction.commit()
    await mirror.catch_up()
    assert {"a": "1", "b": "2"} == mirror.state
    await mirror.close()


async def test_a_recording_has_each_value_of_its_key_while_it_lasts(log: FlakyLog) -> None:
    mirror = mirror_of(log)
    await log.append(RUNS, 0, [record("a", "1")])
    await mirror.catch_up()
    with mirror.recording(b"a") as values:
        await log.append(RUNS, 0, [record("a", "2"), record("b", "x"), record("a", "3")])
        await mirror.catch_up()
    await log.append(RUNS, 0, [record("a", "4")])
    await mirror.catch_up()
    assert [b"2", b"3"] == values
    await mirror.close()
