"""Regressions found by the fault runs, each reduced to the smallest case."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from demo.generator import generate
from gateway.errors import LogBusyError, LogUnavailableError, UnknownOutcomeError
from gateway.ingest.submissions import VERSIONS
from gateway.log.kafka.aiokafka_patches import stop_consumer
from gateway.log.memory.log import MemoryReader
from gateway.log.port import Chunk, Output
from gateway.log.retry import retry_log_errors
from gateway.operate.audit import audit
from gateway.protocol.decide import Accepted
from gateway.protocol.receipt import receipt_record
from gateway.protocol.record import OfferState, offer_record, position_record, submission_record
from gateway.protocol.seal import ReceiptIds
from gateway.protocol.submission import Known, Withdraw
from gateway.protocol.topic import COMMON, DAY_MS, OFFERS, POSITIONS, RECEIPTS, SUBMISSIONS
from gateway.store import OfferView, ViewUpdater
from gateway.store.relay_state import RelayState
from tests.clock import ManualClock
from tests.faults.deployment import Deployment
from tests.faults.ending import read_receipts
from tests.faults.inner import inner_gateway
from tests.memory_log import MemoryLog
from tests.revision import revised
from tests.stale_ends import StaleEndsLog

pytestmark = pytest.mark.slow

NOW = 1_796_000_000_000


def known(sequence: int, position: int) -> Known:
    return Known(revision=sequence, digest="aa", sequence=sequence, position=position, appended_at=NOW, reason="filled")


async def test_a_log_that_is_slow_to_return_its_ends_does_not_stop_a_view(tmp_path: Path) -> None:
    """A view at the end, and a broker that needs more than a second to return it."""
    clock = ManualClock(NOW)

    class Slow(MemoryLog):
        async def ends(self, topic: str) -> tuple[int, ...]:
            ends = await super().ends(topic)
            clock.now += 1_500
            return ends

    log = Slow(clock=clock)
    await log.create_topics(COMMON)
    view = await OfferView.open(tmp_path / "offers.sqlite", log_identity="log", partitions=3)
    updater = ViewUpdater(log, OFFERS, view, clock=clock)
    running = asyncio.create_task(updater.run())
    await log.append(OFFERS, 0, [offer_record(OfferState("b:1", known(1, 0)))])
    try:
        assert await view.reached((1, 0, 0), 10.0)
        async with asyncio.timeout(60):
            while not updater.caught_up:
                await asyncio.sleep(0.01)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])
        await view.close()


@pytest.mark.parametrize("error", [LogBusyError, LogUnavailableError, UnknownOutcomeError])
async def test_work_continues_after_a_transient_error(error: type[Exception]) -> None:
    """A log that is unavailable, slow, or has a full queue must not end a process."""
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise error

    await retry_log_errors("test", work)
    assert 3 == calls


async def test_work_ends_with_any_other_error() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await retry_log_errors("test", work)


async def test_closing_a_consumer_between_two_tries_cancels_no_other_task() -> None:
    """Stopping, aiokafka cancels its tasks and waits for them, so that their cancelling comes out of ``stop``."""

    class Client:
        closed = False
        _conns: ClassVar[dict[int, object]] = {}
        _md_update_fut = None

        async def close(self) -> None:
            self.closed = True

    class Consumer:
        _fetcher = None

        def __init__(self) -> None:
            self._client = Client()

        async def stop(self) -> None:
            trying = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            trying.cancel()
            await trying

    consumer = Consumer()
    await stop_consumer(consumer, 1.0)
    assert consumer._client.closed


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return tmp_path / "copy.sqlite"


def limit(connection: sqlite3.Connection, pages: int) -> None:
    """A disk that is full, or no longer is."""
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()


async def test_a_view_on_a_full_disk_stops_and_then_continues(full: Path) -> None:
    log = MemoryLog()
    await log.create_topics(COMMON)
    await log.append(OFFERS, 0, [offer_record(OfferState(f"b:{n}", known(n, n))) for n in range(1, 900)])
    async with log.reader({(OFFERS, 0): 0}) as reader:
        chunks: Sequence[Chunk] = await reader.poll(limit=1_000, wait=0.0)
    view = await OfferView.open(full, log_identity="log", partitions=3)
    await view.updated.write(partial(limit, pages=10))
    with pytest.raises(LogUnavailableError, match="free space"):
        await view.apply(chunks)
    assert (0, 0, 0) == view.positions
    await view.updated.write(partial(limit, pages=100_000))
    await view.apply(chunks)
    assert (chunks[0].position, 0, 0) == view.positions
    await view.close()


def test_the_relays_table_on_a_full_disk_says_so_and_forgets_nothing(full: Path) -> None:
    state = RelayState(full, log="log")
    state.apply({"b:0": known(1, 0)}, position=1)
    limit(state._db, 5)
    with pytest.raises(LogUnavailableError, match="free space"):
        state.apply({f"b:{n}": known(2, n) for n in range(2_000)}, position=2_001)
    state.drop()
    limit(state._db, 100_000)
    assert (1, 1) == (state.position, state.known(["b:0"])["b:0"].sequence)
    state.close()


async def test_an_audit_during_compaction_reports_no_loss() -> None:
    """A record may be compacted away before the audit comes to it, because a newer one is behind its end."""
    ids = ReceiptIds(b"k" * 32)
    clock = ManualClock(NOW)

    def change(revision: int, offset: int) -> list[Output]:
        withdrawal = Withdraw(
            receipt=ids.mint("b", partition=0, now=NOW, nonce=revision.to_bytes(8)),
            publisher="b",
            id="b:1",
            revision=revision,
            reason="filled",
            digest="aa",
        )
        stored = known(revision, offset)
        receipt = receipt_record(
            withdrawal,
            Accepted(stored, revision),
            publisher="b",
            log_position=f"{SUBMISSIONS}/0/{offset}",
            at=NOW,
            versions=VERSIONS,
            problem=None,
        )
        return [
            Output(SUBMISSIONS, 0, submission_record(withdrawal)),
            Output(OFFERS, 0, offer_record(OfferState("b:1", stored))),
            Output(RECEIPTS, 0, receipt),
            Output(POSITIONS, 0, position_record(SUBMISSIONS, 0, offset + 2)),
        ]

    class Meanwhile(MemoryLog):
        armed = False

        def reader(self, positions: Mapping[tuple[str, int], int]) -> MemoryReader:
            if self.armed and (OFFERS, 0) in positions:
                self.armed = False
                self._store.write(self._store.share_out(change(2, 2)), at=NOW)
                for stream in self._store.streams(OFFERS):
                    stream.compact(deletes_before=NOW - DAY_MS)
            return super().reader(positions)

    log = Meanwhile(clock=clock)
    await log.create_topics(COMMON)
    owner = await log.own("relay", 0)
    await owner.commit(change(1, 0))
    log.armed = True
    assert [] == (await audit(log)).findings
    assert not log.armed


async def test_a_killed_gateway_starts_again_though_its_worker_was_being_sent_a_request(tmp_path: Path) -> None:
    """The worker survived as long as the slow client, on the port that the next one needs."""
    deployment = Deployment(tmp_path, workers=1)
    await deployment.onboard()
    try:
        replica = await deployment.add_replica()
        await deployment.ready()
        host, port = urlsplit(deployment.urls[0]).netloc.split(":")
        _, slow = await asyncio.open_connection(host, int(port))
        slow.write(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\ngrant")
        await slow.drain()
        await asyncio.sleep(0.5)
        await replica.kill()
        await replica.start()
        await deployment.ready()
        slow.close()
    finally:
        await deployment.close()


async def test_a_stale_broker_does_not_make_a_new_replica_repeat_decisions(tmp_path: Path) -> None:
    """[REV-003] [RCP-004]: it still acts as leader and reports the end of the log at its suspension."""
    clock = ManualClock(NOW)
    log = StaleEndsLog(clock=clock)
    await log.create_topics(COMMON)
    old = await log.ends(OFFERS)
    (offer,) = generate(1, "bretagne", 1, clock.today, wrong=0.0)
    for name in ("one", "another"):
        async with inner_gateway(log, tmp_path / name, clock) as inner, inner.running():
            await inner.submit([inner.prepare(revised(offer, 1).raw)])
            await inner.settled()
        log.stale_ends[OFFERS] = old
    assert ["accepted", "duplicate"] == [receipt.verdict for receipt in await read_receipts(log)]


async def test_a_new_leader_does_not_make_the_audit_report_a_loss(tmp_path: Path) -> None:
    """Its first answer about the end of ``receipts`` is an old one; a real fault is still found."""
    clock = ManualClock(NOW)
    log = StaleEndsLog(clock=clock)
    await log.create_topics(COMMON)
    async with inner_gateway(log, tmp_path, clock) as inner, inner.running():
        await inner.submit([inner.prepare(offer.raw) for offer in generate(1, "bretagne", 9, clock.today, wrong=0.0)])
        await inner.settled()
    log.stale_ends[RECEIPTS] = tuple(end - 3 for end in await log.ends(RECEIPTS))
    log.stale_calls = log.partitions
    assert [] == (await audit(log)).findings
    log.stale_calls = 2 * log.partitions
    assert (await audit(log)).findings
