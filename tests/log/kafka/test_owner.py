"""Commits on a network that delays, cuts and loses requests: pitfalls of transactions and their avoidance."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from gateway.errors import FencedError, LogUnavailableError, UnknownOutcomeError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.kafka.aiokafka_patches import abort_producer
from gateway.log.port import Output
from gateway.protocol.record import Record
from gateway.protocol.topic import OFFERS, RECEIPTS
from tests.log.contract.log_fixture import DEADLINE, read_keys
from tests.log.kafka.proxy import ADD_PARTITIONS, END_TXN, PRODUCE_IN_TRANSACTION, Proxy

pytestmark = [pytest.mark.kafka, pytest.mark.smoke]

SHORT = 3.0


def outputs(name: str) -> list[Output]:
    return [Output(topic, 0, Record(name.encode(), b"")) for topic in (OFFERS, RECEIPTS)]


async def both(log: KafkaLog) -> tuple[list[str], list[str]]:
    """The committed keys of the two topics that ``outputs`` go to."""
    return await read_keys(log, OFFERS), await read_keys(log, RECEIPTS)


def in_both(*names: str) -> tuple[list[str], list[str]]:
    """What ``both`` finds when exactly these were committed."""
    return list(names), list(names)


@pytest.fixture
async def impatient(settings: KafkaSettings, log: KafkaLog) -> AsyncIterator[KafkaLog]:  # noqa: ARG001 - its topics
    """A client of the same log that waits for some seconds only."""
    impatient = await KafkaLog.open(replace(settings, patience=SHORT))
    yield impatient
    await impatient.close()


@pytest.fixture
async def raw(settings: KafkaSettings, log: KafkaLog) -> AsyncIterator[AIOKafkaProducer]:  # noqa: ARG001 - its topics
    """The bare client library in a transaction of its own."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, transactional_id="raw", retry_backoff_ms=20
    )
    await producer.start()
    await producer.begin_transaction()
    yield producer
    await abort_producer(producer)


async def test_the_bare_client_lets_a_late_commit_request_commit_half_of_the_next_transaction(
    raw: AIOKafkaProducer, settings: KafkaSettings, proxy: Proxy, log: KafkaLog
) -> None:
    """The pitfall is real: the library silently repeats a cut commit request, and the first one still arrives."""
    await raw.send_and_wait(settings.topic(OFFERS), b"", key=b"first", partition=0)
    with proxy.hold(END_TXN, limit=1) as late:
        committing = asyncio.create_task(raw.commit_transaction())
        await late.caught()
        proxy.cut()
        async with asyncio.timeout(DEADLINE):
            await committing
        await raw.begin_transaction()
        await raw.send_and_wait(settings.topic(OFFERS), b"", key=b"half", partition=0)
        late.release()
        async with asyncio.timeout(DEADLINE):
            while await read_keys(log, OFFERS) != ["first", "half"]:
                await asyncio.sleep(0.02)


async def test_a_late_commit_request_of_a_former_owner_changes_nothing(log: KafkaLog, proxy: Proxy) -> None:
    """A cut commit is unknown at once and never sent again; a new owner makes the late request void."""
    owner = await log.own("relay", 0)
    before = proxy.seen.get(END_TXN, 0)
    with proxy.hold(END_TXN, limit=1) as late:
        committing = asyncio.create_task(owner.commit(outputs("first")))
        await late.caught()
        proxy.cut()
        with pytest.raises(UnknownOutcomeError):
            await committing
        await owner.close()
        assert before + 1 == proxy.seen[END_TXN]

        new_owner = await log.own("relay", 0)
        assert in_both() == await both(log)
        with proxy.hold(END_TXN, limit=1) as second:
            committing = asyncio.create_task(new_owner.commit(outputs("second")))
            await second.caught()
            late.release()
            await asyncio.sleep(0.5)  # nothing may happen, so there is nothing to wait for
            assert in_both() == await both(log)
            second.release()
            await committing
    assert in_both("second") == await both(log)
    await new_owner.commit(outputs("third"))
    await new_owner.close()
    assert in_both("second", "third") == await both(log)


async def test_a_commit_whose_answer_is_cut_off_is_unknown_and_was_made(log: KafkaLog, proxy: Proxy) -> None:
    owner = await log.own("relay", 0)
    with proxy.hold(END_TXN, direction="answer", limit=1) as lost:
        committing = asyncio.create_task(owner.commit(outputs("first")))
        await lost.caught()
        proxy.cut()
        with pytest.raises(UnknownOutcomeError):
            await committing
    await owner.close()
    new_owner = await log.own("relay", 0)
    assert in_both("first") == await both(log)
    await new_owner.close()


async def test_a_commit_that_misses_its_deadline_is_unknown_and_ends_without_its_answer(
    impatient: KafkaLog, log: KafkaLog, proxy: Proxy
) -> None:
    owner = await impatient.own("relay", 0)
    with proxy.hold(END_TXN):
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(UnknownOutcomeError):
                await owner.commit(outputs("first"))
            await owner.close()
    new_owner = await log.own("relay", 0)
    offers, receipts = await both(log)
    assert offers == receipts
    await new_owner.commit(outputs("second"))
    await new_owner.close()
    assert ([*offers, "second"], [*receipts, "second"]) == await both(log)


@pytest.mark.parametrize("kind", [ADD_PARTITIONS, PRODUCE_IN_TRANSACTION])
async def test_a_commit_that_was_never_sent_certainly_did_not_happen(
    kind: int, impatient: KafkaLog, log: KafkaLog, proxy: Proxy
) -> None:
    owner = await impatient.own("relay", 0)
    with proxy.hold(kind):
        with pytest.raises(LogUnavailableError):
            await owner.commit(outputs("first"))
        await owner.close()
    new_owner = await log.own("relay", 0)
    await new_owner.commit(outputs("second"))
    await new_owner.close()
    assert in_both("second") == await both(log)


async def test_a_cut_while_partitions_are_added_spends_the_owner(log: KafkaLog, proxy: Proxy) -> None:
    """A late AddPartitions could extend the next transaction, so this producer sends nothing more."""
    owner = await log.own("relay", 0)
    before = proxy.seen.get(ADD_PARTITIONS, 0)
    with proxy.hold(ADD_PARTITIONS, limit=1) as late:
        committing = asyncio.create_task(owner.commit(outputs("first")))
        await late.caught()
        proxy.cut()
        with pytest.raises(LogUnavailableError):
            await committing
    assert before + 1 == proxy.seen[ADD_PARTITIONS]
    await owner.close()
    new_owner = await log.own("relay", 0)
    await new_owner.commit(outputs("second"))
    await new_owner.close()
    assert in_both("second") == await both(log)


async def test_a_batch_that_is_cut_off_is_sent_again_and_written_once(log: KafkaLog, proxy: Proxy) -> None:
    """Batches carry sequence numbers, so sending them twice is harmless; only commits are not.

    To one partition, since the cut must not meet the adding of a second one to the transaction.
    """
    owner = await log.own("relay", 0)
    before = proxy.seen.get(PRODUCE_IN_TRANSACTION, 0)
    with proxy.hold(PRODUCE_IN_TRANSACTION, direction="answer", limit=1) as lost:
        committing = asyncio.create_task(owner.commit(outputs("first")[:1]))
        await lost.caught()
        proxy.cut()
        await committing
    await owner.close()
    assert before + 2 <= proxy.seen[PRODUCE_IN_TRANSACTION]
    assert (["first"], []) == await both(log)


async def test_a_zombie_that_comes_back_between_its_batches_and_its_commit_is_fenced(
    log: KafkaLog, proxy: Proxy
) -> None:
    zombie = await log.own("relay", 0)
    with proxy.hold(END_TXN, limit=1) as late:
        committing = asyncio.create_task(zombie.commit(outputs("zombie")))
        await late.caught()
        new_owner = await log.own("relay", 0)
        await new_owner.commit(outputs("again"))
        late.release()
        with pytest.raises(FencedError):
            await committing
    await zombie.close()
    await new_owner.close()
    assert in_both("again") == await both(log)


async def test_a_cancelled_commit_spends_its_owner(log: KafkaLog, proxy: Proxy) -> None:
    owner = await log.own("relay", 0)
    with proxy.hold(PRODUCE_IN_TRANSACTION) as held:
        committing = asyncio.create_task(owner.commit(outputs("first")))
        await held.caught()
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
    with pytest.raises(LogUnavailableError):
        await owner.commit(outputs("second"))
    await owner.close()
    assert in_both() == await both(log)


async def test_commits_of_an_owner_do_not_mix(log: KafkaLog) -> None:
    """Commits asked for together are made one after the other."""
    owner = await log.own("relay", 0)
    await asyncio.gather(*(owner.commit(outputs(str(number))) for number in range(5)))
    await owner.close()
    offers, receipts = await both(log)
    assert offers == receipts
    assert {str(number) for number in range(5)} == set(offers)
