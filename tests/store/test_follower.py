"""Followers: another process's views answer as that process would."""

import asyncio
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import LogUnavailableError
from gateway.log.port import Chunk
from gateway.protocol import cursor as cursors
from gateway.protocol.record import StoredRecord
from gateway.protocol.visibility import Filter, Reader
from gateway.store import (
    OfferView,
    ReceiptView,
    followed_copy,
    updated_copy,
)
from tests.store.offer_topic import LOG, PARTITIONS, OfferTopic, offer_of, receipt_record

pytestmark = pytest.mark.smoke

READERS = (Reader("bretagne"), Reader("normandie"), Reader("national"))
_SECONDS = 20.0
FILTERS = (Filter(), Filter(department=frozenset({"75"})), Filter(week=frozenset({"2027-W25"})))


async def answers(view: OfferView) -> list[Any]:
    """The results of all queries of offers."""
    results: list[Any] = [view.positions, view.began, await view.count("bretagne"), await view.count("normandie")]
    for reader in READERS:
        for criteria in FILTERS:
            states, _ = await view.page(reader=reader, criteria=criteria, after=None, limit=500, own=True)
            start = cursors.start(end=(0,) * PARTITIONS, now=0, criteria=criteria, reader=reader, log=LOG)
            results += [states, await view.changes(start, reader=reader, criteria=criteria, limit=500)]
        results.append(await view.possible_duplicates([f"bretagne:{number}" for number in range(20)], reader=reader))
    results.append([pair async for pair in view.live_before("bretagne", (1 << 40,) * PARTITIONS)])
    return results


async def test_a_follower_answers_as_the_updating_process_does(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    """Over steps that seal bitmaps, replace and withdraw offers, and leave gaps."""
    chance = random.Random(11)
    for step in range(12):
        for _ in range(60):
            offer_id = f"{chance.choice(('bretagne', 'normandie'))}:{chance.randrange(90)}"
            if chance.random() < 0.25:
                offer_topic.withdraw(offer_id)
            else:
                weeks = chance.choice((["2027-W24", "2027-W25"], ["2027-W25"]))
                offer_topic.publish(offer_of(offer_id, weeks=weeks), department=chance.choice(("35", "75")), gap=40)
        await offers.apply(offer_topic.chunks())
        if step % 3 == 1:  # otherwise the next queries find several steps at once
            assert await answers(offers) == await answers(followed)
    assert await answers(offers) == await answers(followed)


async def test_a_follower_notices_that_the_view_was_rebuilt(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    for number in range(40):
        offer_topic.publish(offer_of(f"bretagne:{number}"), gap=number)
    await offers.apply(offer_topic.chunks())
    assert 40 == await followed.count("bretagne")
    await offers.wipe((0,) * PARTITIONS, now=77)
    assert [0, 77] == [await followed.count("bretagne"), followed.began]
    offer_topic.rewind()
    await offers.apply(offer_topic.chunks()[:1])
    assert await answers(offers) == await answers(followed)


async def test_a_follower_waits_until_the_updating_process_has_applied_the_offsets(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    chunks = offer_topic.chunks()
    wanted = tuple(chunks[0].position if p == chunks[0].partition else 0 for p in range(PARTITIONS))
    assert not await followed.reached(wanted, 0.05)
    waiting = asyncio.create_task(followed.reached(wanted, 20))
    await offers.apply(chunks)
    assert await waiting
    assert await followed.moved((0,) * PARTITIONS, 20)


async def test_a_follower_knows_when_the_updating_process_was_at_the_end(
    offers: OfferView, followed: OfferView
) -> None:
    offers.updated.fresh, offers.updated.caught_up = 1_234, True
    await offers.updated.keep()
    assert await followed.reached((0,) * PARTITIONS, 0)
    assert (1_234, True) == (followed.fresh, followed.caught_up)


async def test_a_follower_without_queries_notices_that_the_updating_process_reached_the_end(
    offers: OfferView, followed: OfferView
) -> None:
    assert not followed.caught_up
    offers.updated.fresh, offers.updated.caught_up = 1_234, True
    await offers.updated.keep()
    assert followed.caught_up


async def test_every_waiter_wakes_whichever_noticed_the_change_first(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_copy, "_EVERY_SECONDS", 0.5)
    offer_topic.publish(offer_of("bretagne:1"))
    chunks = offer_topic.chunks()
    wanted = tuple(chunks[0].position if p == chunks[0].partition else 0 for p in range(PARTITIONS))
    waiting = asyncio.create_task(followed.reached(wanted, 60))
    await asyncio.sleep(0.1)
    await offers.apply(chunks)
    assert wanted == followed.positions
    assert await asyncio.wait_for(waiting, 30)


async def test_a_receipt_is_returned_as_soon_as_the_updating_process_has_it(
    receipts: ReceiptView, tmp_path: Path
) -> None:
    followed = await ReceiptView.follow(tmp_path / "receipts.sqlite", log_identity=LOG, partitions=PARTITIONS)
    try:
        assert await followed.wait("r1", 0.05) is None
        waiting = asyncio.create_task(followed.wait("r1", 20))
        other = asyncio.create_task(followed.wait("r2", 20))
        for offset, receipt in enumerate(("r1", "r2")):
            record = receipt_record(receipt, "bretagne:1", "bretagne")
            stored = StoredRecord(offset, 1, record.key, record.value)
            await receipts.apply([Chunk("receipts", 0, [stored], offset + 1)])
        found = await waiting, await other
        assert ["r1", "r2"] == [one["receipt"] for one in found if one is not None]
        assert await receipts.page("bretagne", after=None, limit=9) == await followed.page(
            "bretagne", after=None, limit=9
        )
    finally:
        await followed.close()


class FailingReceipts(ReceiptView):
    """A view whose first look for receipts fails, as one at a file that is being replaced."""

    failed = False

    async def noticed(self) -> None:
        if not self.failed:
            self.failed = True
            raise LogUnavailableError("the file is being replaced")
        await super().noticed()


async def test_a_look_for_receipts_that_failed_is_repeated(receipts: ReceiptView, tmp_path: Path) -> None:
    """Otherwise a caller gets its receipt only at its timeout."""
    followed = await FailingReceipts.follow(tmp_path / "receipts.sqlite", log_identity=LOG, partitions=PARTITIONS)
    try:
        waiting = asyncio.create_task(followed.wait("r1", 60))
        while not followed.failed:
            await asyncio.sleep(0.01)
        record = receipt_record("r1", "bretagne:1", "bretagne")
        stored = StoredRecord(0, 1, record.key, record.value)
        await receipts.apply([Chunk("receipts", 0, [stored], 1)])
        assert await asyncio.wait_for(waiting, 10) is not None
    finally:
        await followed.close()


async def test_a_follower_needs_a_view_of_the_same_log(offers: OfferView, tmp_path: Path) -> None:
    assert offers.positions == (0,) * PARTITIONS
    with pytest.raises(LogUnavailableError, match="another log"):
        await OfferView.follow(tmp_path / "offers.sqlite", log_identity="another", partitions=PARTITIONS)
    with pytest.raises(LogUnavailableError, match="cannot be followed"):
        await OfferView.follow(tmp_path / "nowhere.sqlite", log_identity=LOG, partitions=PARTITIONS)


async def test_an_earlier_read_does_not_report_a_later_position(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    offer_topic.publish(offer_of("bretagne:1"))
    await offers.apply(offer_topic.chunks())
    db = await followed.copy.read(lambda connection: connection)
    with followed.copy.transaction(db, lambda: None) as (earlier, _):
        offer_topic.publish(offer_of("bretagne:2"))
        await offers.apply(offer_topic.chunks())
        assert offers.positions == followed.positions != earlier
        followed.changed(db, 77)
    assert (offers.positions, offers.began) == (followed.positions, followed.began)


async def test_a_change_noted_while_a_read_began_is_kept(
    offers: OfferView, followed: OfferView, offer_topic: OfferTopic
) -> None:
    """The read, in its thread, has the earlier state of the file, and is delayed before it reads the position."""
    begun, goes_on = threading.Event(), threading.Event()

    def hold_up(statement: str) -> None:
        if statement == updated_copy.APPLIED:
            begun.set()
            goes_on.wait(_SECONDS)

    offer_topic.publish(offer_of("bretagne:1"))
    await offers.apply(offer_topic.chunks())
    await followed.copy.read(lambda db: db.set_trace_callback(hold_up))
    reading = asyncio.create_task(followed.count("bretagne"))
    try:
        assert await asyncio.to_thread(begun.wait, _SECONDS)
        offer_topic.publish(offer_of("bretagne:2"))
        await offers.apply(offer_topic.chunks())
        assert offers.positions == followed.positions
    finally:
        goes_on.set()
    assert 1 == await reading
    assert offers.positions == followed.positions
