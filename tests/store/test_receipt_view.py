"""The receipt view: by id, in order, for the platform concerned, and as long as the log keeps them."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.log.port import Chunk
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import DAY_MS
from gateway.store import ReceiptView
from tests.store.offer_topic import LOG, PARTITIONS, decided_at, receipt_record


def chunk(partition: int, *records: Any, first: int = 0, at: int | None = 0) -> Chunk:
    """``at`` is the time of the decision (ms); None: at once."""
    stored = [
        StoredRecord(first + 2 * n, decided_at(record) if at is None else at, record.key, record.value)
        for n, record in enumerate(records)
    ]
    return Chunk("receipts", partition, stored, first + 2 * len(records))


async def test_receipts_are_found_by_id_by_the_one_they_concern(receipts: ReceiptView) -> None:
    """RCP-002: another publisher finds nothing under the id."""
    await receipts.apply([chunk(0, receipt_record("r1", "bretagne:1", "bretagne"))])
    assert (await receipts.get("r1") or {})["id"] == "bretagne:1"
    assert await receipts.find("r1", "bretagne") is not None
    assert await receipts.find("r1", "normandie") is None
    assert await receipts.get("r2") is None


async def test_the_gateways_own_receipts_concern_the_offers_platform(receipts: ReceiptView) -> None:
    await receipts.apply([chunk(0, receipt_record("r1", "bretagne:1", "gateway", reason="expired"))])
    page, _, _ = await receipts.page("bretagne", after=None, limit=10)
    assert [receipt["receipt"] for receipt in page] == ["r1"]
    assert await receipts.find("r1", "bretagne") is not None


async def test_a_refused_submission_concerns_its_author_and_not_the_offers_platform(receipts: ReceiptView) -> None:
    await receipts.apply([chunk(0, receipt_record("r1", "bretagne:1", "normandie", verdict="rejected"))])
    assert await receipts.find("r1", "bretagne") is None
    assert await receipts.find("r1", "normandie") is not None


async def test_a_command_handed_in_twice_keeps_its_first_outcome(receipts: ReceiptView) -> None:
    """RCP-003."""
    first = receipt_record("r1", "bretagne:1", "gateway")
    again = receipt_record("r1", "bretagne:1", "gateway", verdict="stale")
    await receipts.apply([chunk(0, first, again)])
    assert (await receipts.get("r1") or {})["verdict"] == "accepted"


async def test_pages_give_each_receipt_once_oldest_first_over_all_partitions(receipts: ReceiptView) -> None:
    for partition in range(PARTITIONS):
        records = [
            receipt_record(f"r{partition}-{n}", "bretagne:1", "bretagne", second=3 * n + partition) for n in range(10)
        ]
        await receipts.apply([chunk(partition, *records, at=None)])
    seen: list[str] = []
    after: tuple[int, ...] | None = None
    more = True
    while more:
        page, after, more = await receipts.page("bretagne", after=after, limit=4)
        seen += [receipt["receipt"] for receipt in page]
    assert [f"r{n % PARTITIONS}-{n // PARTITIONS}" for n in range(30)] == seen
    await receipts.apply([chunk(1, receipt_record("late", "bretagne:1", "bretagne"), first=20)])
    page, _, _ = await receipts.page("bretagne", after=after, limit=4)
    assert [receipt["receipt"] for receipt in page] == ["late"], "the last cursor goes on, even to an earlier time"


async def test_a_waiter_wakes_as_soon_as_the_receipt_is_applied(receipts: ReceiptView) -> None:
    waiting = [asyncio.create_task(receipts.wait("r1", 30)) for _ in range(3)]
    other = asyncio.create_task(receipts.wait("r2", 0.05))
    await asyncio.sleep(0)
    await receipts.apply([chunk(0, receipt_record("r1", "bretagne:1", "bretagne"))])
    assert [(receipt or {})["receipt"] for receipt in await asyncio.gather(*waiting)] == ["r1"] * 3
    assert await other is None
    assert (await receipts.wait("r1", 0) or {})["receipt"] == "r1"
    assert receipts._waiting == {}, "nobody is remembered in vain"


async def test_receipts_go_with_the_log_and_after_thirty_days(receipts: ReceiptView) -> None:
    old = [receipt_record(f"old{n}", "bretagne:1", "bretagne") for n in range(3)]
    new = [receipt_record(f"new{n}", "bretagne:1", "bretagne") for n in range(3)]
    await receipts.apply([chunk(0, *old, at=0), chunk(1, *new, at=40 * DAY_MS)])
    await receipts.apply([chunk(0, receipt_record("kept", "bretagne:1", "bretagne"), first=6, at=20 * DAY_MS)])
    await receipts.trim((0, 2, 0), now=45 * DAY_MS)
    page, _, _ = await receipts.page("bretagne", after=None, limit=10)
    assert sorted(receipt["receipt"] for receipt in page) == ["kept", "new1", "new2"]


async def test_receipts_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "receipts.sqlite"
    view = await ReceiptView.open(path, log_identity=LOG, partitions=PARTITIONS)
    await view.apply([chunk(0, receipt_record("r1", "bretagne:1", "bretagne"))])
    await view.close()
    again = await ReceiptView.open(path, log_identity=LOG, partitions=PARTITIONS)
    assert (view.positions, "r1") == (again.positions, (await again.get("r1") or {})["receipt"])
    await again.close()
