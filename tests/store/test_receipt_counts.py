"""The receipt view's counts: updated with every receipt, and equal to a full count."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

from gateway.log.port import Chunk
from gateway.protocol.record import Record, StoredRecord
from gateway.protocol.topic import DAY_MS
from gateway.store import ReceiptView
from tests.store.offer_topic import LOG, PARTITIONS, receipt_record

VERDICTS = ("accepted", "duplicate", "stale", "rejected")


def chunk(partition: int, *records: tuple[int, Record], first: int = 0) -> Chunk:
    """Records, each with its append time."""
    stored = [StoredRecord(first + 2 * n, at, one.key, one.value) for n, (at, one) in enumerate(records)]
    return Chunk("receipts", partition, stored, first + 2 * len(records))


def receipt(name: str, platform: str, verdict: str, **more: Any) -> Record:
    return receipt_record(name, f"{platform}:1", platform, verdict=verdict, **more)


async def numbers(view: ReceiptView) -> dict[tuple[str, str], int]:
    counts = await view.counts()
    return {
        (platform, verdict): count.number
        for platform, verdicts in counts.items()
        for verdict, count in verdicts.items()
        if count.number
    }


async def test_receipts_are_counted_by_platform_and_verdict(receipts: ReceiptView) -> None:
    await receipts.apply(
        [
            chunk(0, (5, receipt("r1", "bretagne", "accepted")), (7, receipt("r2", "bretagne", "accepted"))),
            chunk(1, (6, receipt("r3", "bretagne", "stale")), (3, receipt("r4", "normandie", "accepted"))),
        ]
    )
    assert {("bretagne", "accepted"): 2, ("bretagne", "stale"): 1, ("normandie", "accepted"): 1} == await numbers(
        receipts
    )
    assert 7 == (await receipts.counts())["bretagne"]["accepted"].latest


async def test_the_gateways_own_commands_are_not_counted_for_a_platform(receipts: ReceiptView) -> None:
    """RCP-003: they alone may come twice."""
    twice = receipt_record("r1", "bretagne:1", "gateway")
    await receipts.apply([chunk(0, (1, twice), (2, twice), (3, receipt("r2", "bretagne", "accepted")))])
    assert {("bretagne", "accepted"): 1} == await numbers(receipts)


async def test_the_newest_refusal_is_at_hand_until_it_goes(receipts: ReceiptView) -> None:
    newer, older = receipt("newer", "bretagne", "rejected"), receipt("older", "bretagne", "rejected")
    await receipts.apply([chunk(0, (9, newer))])
    await receipts.apply([chunk(1, (4, older))])
    newest = (await receipts.counts())["bretagne"]["rejected"]
    assert (2, 9, "newer") == (newest.number, newest.latest, (newest.receipt or {})["receipt"])
    await receipts.trim((2, 0, 0), now=10)
    left = (await receipts.counts())["bretagne"]["rejected"]
    assert (1, None) == (left.number, left.receipt)


async def test_after_any_coming_and_going_the_numbers_are_those_of_the_receipts(tmp_path: Path) -> None:
    chance = random.Random(7)
    view = await ReceiptView.open(tmp_path / "receipts.sqlite", log_identity=LOG, partitions=PARTITIONS)
    ends, kept = [0] * PARTITIONS, []
    for day in range(60):
        partition = chance.randrange(PARTITIONS)
        some = [
            (f"r{day}-{n}", chance.choice(("bretagne", "normandie", "gateway")), chance.choice(VERDICTS))
            for n in range(chance.randrange(200))
        ]
        records = [
            (day * DAY_MS, receipt_record(name, "bretagne:1", who, verdict=verdict)) for name, who, verdict in some
        ]
        await view.apply([chunk(partition, *records, first=ends[partition])])
        ends[partition] += 2 * len(records)
        kept += [(day, who, verdict) for _, who, verdict in some if who != "gateway"]
        if day % 10 == 9:
            await view.trim((0,) * PARTITIONS, now=day * DAY_MS)
            kept = [one for one in kept if one[0] >= day - 30]
            assert dict(Counter((who, verdict) for _, who, verdict in kept)) == await numbers(view)
    await view.close()
    again = await ReceiptView.open(tmp_path / "receipts.sqlite", log_identity=LOG, partitions=PARTITIONS)
    assert dict(Counter((who, verdict) for _, who, verdict in kept)) == await numbers(again)
    await again.wipe((0,) * PARTITIONS, now=0)
    assert {} == await numbers(again)
    await again.close()
