"""A broker that dies, is suspended and comes back: the errors, and that no acknowledged record is lost."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from demo.broker import LocalBroker
from gateway.errors import LogUnavailableError, UnknownOutcomeError
from gateway.log.common import MAX_BYTES
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.port import LogReader, Output
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, OFFERS, RECEIPTS, SUBMISSIONS
from tests.log.contract.log_fixture import DEADLINE, given_up, keys, opened_log, read_keys, record
from tests.log.kafka.local import need_local_kafka

pytestmark = pytest.mark.kafka

PATIENCE = 4.0
Found = TypeVar("Found")


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalBroker]:
    """A broker of this module's own, since it does not survive unharmed."""
    need_local_kafka()
    with LocalBroker() as broker:
        yield broker


@pytest.fixture
async def log(broker: LocalBroker, request: pytest.FixtureRequest) -> AsyncIterator[KafkaLog]:
    prefix = request.node.name.replace("_", "-")[-40:].strip("-")
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, prefix=prefix, patience=PATIENCE)
    async with opened_log(insist(lambda: KafkaLog.open(settings)), ()) as log:
        await insist(lambda: log.create_topics(COMMON))
        yield log


async def insist(attempt: Callable[[], Awaitable[Found]]) -> Found:
    """Retry an operation that a restarted broker accepts after a while."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                return await attempt()
            except LogUnavailableError:
                await asyncio.sleep(0.05)


async def append_until_it_succeeds(log: KafkaLog, key: str) -> list[str]:
    """Append until one attempt is acknowledged; a new key each time, since an unknown one may be stored too."""
    tried: list[str] = []
    async with asyncio.timeout(DEADLINE):
        while True:
            tried.append(f"{key} {len(tried)}")
            try:
                await log.append(SUBMISSIONS, 0, [record(tried[-1])])
            except LogUnavailableError:
                tried.pop()
            except UnknownOutcomeError:
                pass
            else:
                return tried


async def test_appends_during_a_crash_are_acknowledged_or_reported_and_never_doubled(
    log: KafkaLog, broker: LocalBroker
) -> None:
    acknowledged: list[str] = []
    refused: list[str] = []
    unknown: list[str] = []
    stop = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            key = f"{writer}-{number}"
            try:
                await log.append(SUBMISSIONS, 0, [record(key)])
            except LogUnavailableError:
                refused.append(key)
            except UnknownOutcomeError:
                unknown.append(key)
            else:
                acknowledged.append(key)

    writers = [asyncio.create_task(write(writer)) for writer in range(8)]
    first = await append_until_it_succeeds(log, "first")
    await asyncio.to_thread(broker.kill)
    async with asyncio.timeout(DEADLINE):
        while len(refused) < 8:
            await asyncio.sleep(0.05)
    before = len(acknowledged)
    await asyncio.to_thread(broker.start)
    after = await append_until_it_succeeds(log, "after")
    async with asyncio.timeout(DEADLINE):
        while len(acknowledged) < before + 8:
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*writers)

    found = await read_keys(log, SUBMISSIONS)
    assert len(set(found)) == len(found)
    assert set() == {*acknowledged, first[-1], after[-1]} - set(found)
    assert set() == set(refused) & set(found)
    assert set() == set(found) - set(acknowledged) - set(unknown) - {*first, *after}


async def poll_keys(reader: LogReader) -> list[str]:
    """The keys of the next records."""
    async with asyncio.timeout(DEADLINE):
        while not (found := [key for chunk in await reader.poll(limit=10, wait=1.0) for key in keys(chunk.records)]):
            pass
    return found


async def test_a_reader_reports_an_outage_and_resumes_at_its_position(log: KafkaLog, broker: LocalBroker) -> None:
    before = await append_until_it_succeeds(log, "before")
    async with log.reader({(SUBMISSIONS, 0): 0}) as reader:
        found: list[str] = []
        while before[-1] not in found:
            found += await poll_keys(reader)
        await asyncio.to_thread(broker.kill)
        with pytest.raises(LogUnavailableError):
            await reader.poll(limit=10, wait=DEADLINE)
        await asyncio.to_thread(broker.start)
        after = await append_until_it_succeeds(log, "after")
        later = await insist(lambda: poll_keys(reader))
    assert later[0] in after


async def test_a_suspended_broker_makes_an_append_unknown_and_those_behind_it_refused(
    log: KafkaLog, broker: LocalBroker
) -> None:
    before = await append_until_it_succeeds(log, "before")
    broker.pause()
    try:
        sent = asyncio.create_task(log.append(SUBMISSIONS, 0, [record("sent")]))
        await asyncio.sleep(0.1)  # on its way, without any signal of its arrival
        behind = asyncio.create_task(log.append(SUBMISSIONS, 0, [record("behind")]))
        with pytest.raises(UnknownOutcomeError):
            await sent
        with pytest.raises(LogUnavailableError):
            await behind
    finally:
        broker.resume()
    after = await append_until_it_succeeds(log, "after")
    of_unknown_outcome = {*before[:-1], *after[:-1]}
    found = [key for key in await insist(lambda: read_keys(log, SUBMISSIONS)) if key not in of_unknown_outcome]
    assert [before[-1], "sent", after[-1]] == found


async def test_appends_cancelled_while_the_broker_is_suspended_leave_the_queue(
    log: KafkaLog, broker: LocalBroker
) -> None:
    """Repeated attempts during an outage would fill the memory."""
    await append_until_it_succeeds(log, "before")
    broker.pause()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(2):
            await asyncio.gather(*(given_up(log) for _ in range(40)))
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        broker.resume()
    await append_until_it_succeeds(log, "after")
    assert kept < 5 * MAX_BYTES


async def test_closing_while_the_broker_is_suspended_leaves_no_task(log: KafkaLog, broker: LocalBroker) -> None:
    """Neither connections nor tasks that would repeat an unanswered batch."""
    await append_until_it_succeeds(log, "before")
    membership = await insist(lambda: log.join("relay", SUBMISSIONS))
    assert frozenset(range(3)) == await membership.changed()
    owner = await insist(lambda: log.own("relay", 0))
    reader = log.reader({(SUBMISSIONS, 0): 0})
    await poll_keys(reader)
    broker.pause()
    try:
        with pytest.raises(UnknownOutcomeError):
            await log.append(SUBMISSIONS, 0, [record("sent")])
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(membership.close(), owner.close(), reader.close(), log.close())
        assert {asyncio.current_task()} == asyncio.all_tasks()
    finally:
        broker.resume()


async def test_a_commit_during_a_freeze_is_whole_or_absent(log: KafkaLog, broker: LocalBroker) -> None:
    def outputs(name: str) -> list[Output]:
        return [Output(topic, 0, Record(name.encode(), b"")) for topic in (OFFERS, RECEIPTS)]

    owner = await log.own("relay", 0)
    await owner.commit(outputs("first"))
    broker.pause()
    try:
        with pytest.raises((UnknownOutcomeError, LogUnavailableError)):
            await owner.commit(outputs("second"))
        async with asyncio.timeout(DEADLINE):
            await owner.close()
        with pytest.raises(LogUnavailableError):
            await log.own("relay", 0)
    finally:
        broker.resume()
    new_owner = await insist(lambda: log.own("relay", 0))
    await new_owner.commit(outputs("third"))
    await new_owner.close()
    offers = await read_keys(log, OFFERS)
    assert offers == await read_keys(log, RECEIPTS)
    assert offers in (["first", "third"], ["first", "second", "third"])


async def test_opening_without_a_broker_reports_it() -> None:
    with pytest.raises(LogUnavailableError):
        await KafkaLog.open(KafkaSettings(bootstrap_servers="127.0.0.1:9"))
