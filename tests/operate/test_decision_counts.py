"""Decisions, counted from their receipts: what a real relay decided, whatever becomes of the counting process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.ingest.refusals import RefusalCounter
from gateway.ingest.submissions import VERSIONS
from gateway.operate.decision_counts import COUNTED, CountedPartition
from gateway.protocol.identity import partition_of
from gateway.protocol.receipt import refusal_record
from gateway.protocol.refused_offers import refused_offer_seal
from gateway.protocol.statistics import Dimension
from gateway.protocol.topic import COMMON, DAY_MS, RECEIPTS, STATISTICS, SUBMISSIONS
from schemas import Verdict
from tests.api.write.gateway_harness import GatewayHarness, ndjson, offer, opened
from tests.harness import running, until

WAIT = {"Prefer": "wait=10"}
SEAL = refused_offer_seal(b"s" * 32)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    async with opened(tmp_path) as gateway:
        yield gateway


async def counts(gateway: GatewayHarness, *by: Dimension) -> list[tuple[Any, ...]]:
    """The counts of all days, once every receipt on the log is counted."""
    log, view = gateway.log, gateway.context.federation.statistics
    ends = await log.ends(RECEIPTS)
    async with running(
        *(CountedPartition(log, partition, seal=SEAL, every=0.01).run() for partition in range(log.partitions))
    ):
        await until(lambda: gateway.context.federation.positions.of(COUNTED) == ends)
    assert await view.reached(await log.ends(STATISTICS), 10)
    found = await view.counts(gateway.clock.today, gateway.clock.today, by=by)
    return [(*(getattr(one, name) for name in by), one.number) for one in found]


async def test_every_verdict_of_the_relay_counts_as_its_receipt_says(gateway: GatewayHarness) -> None:
    paris = {"postal_code": "75004", "city": "Paris"}
    assert 201 == (await gateway.put(offer(1, revision=2))).status
    assert 201 == (await gateway.put(offer(2, location=paris))).status
    assert 200 == (await gateway.put(offer(2, location=paris))).status
    assert 409 == (await gateway.put(offer(1, revision=1))).status
    assert 409 == (await gateway.put(offer(1, revision=2, title="Another title"))).status
    assert 201 == (await gateway.put(offer(1, platform="normandie"), who="normandie")).status
    assert 200 == (await gateway.ask("DELETE", "/v1/offers/bretagne:2?revision=2", headers=WAIT)).status
    assert 200 == (await gateway.batch(ndjson(offer(3), offer(4)), headers=WAIT)).status
    snapshot = await gateway.snapshot(await gateway.mark(), offer(1, revision=2), confirm=2, headers=WAIT)
    assert 200 == snapshot.status, snapshot.raw
    assert [
        ("bretagne", "accepted", None, "35", 3),
        ("bretagne", "accepted", None, "75", 1),
        ("bretagne", "duplicate", None, "35", 1),
        ("bretagne", "duplicate", None, "75", 1),
        ("bretagne", "rejected", "revision-reused", "35", 1),
        ("bretagne", "stale", "older-revision", "35", 1),
        ("bretagne", "withdrawn", None, None, 3),
        ("normandie", "accepted", None, "35", 1),
    ] == await counts(gateway, "platform", "verdict", "rule", "department")


async def test_the_counts_agree_with_those_of_the_receipts(gateway: GatewayHarness) -> None:
    lines = [offer(n % 50, revision=n % 7 + 1, title=f"Atelier {n % 3}") for n in range(400)]
    assert 200 == (await gateway.batch(ndjson(*lines), headers=WAIT)).status
    receipts = (await gateway.context.federation.receipts.counts())["bretagne"]
    expected = sorted((verdict, count.number) for verdict, count in receipts.items())
    assert expected == await counts(gateway, "verdict")
    assert expected == await counts(gateway, "verdict")  # other owners count nothing again


async def test_receipts_outlive_their_submissions(gateway: GatewayHarness) -> None:
    """A receipt is counted with its department, also when its submission is gone."""
    assert 201 == (await gateway.put(offer(1))).status
    old = [topic for topic in COMMON if topic.name == SUBMISSIONS]
    await gateway.log.maintain(old, now=gateway.clock() + 31 * DAY_MS)
    assert 201 == (await gateway.put(offer(2))).status
    assert [("accepted", "35", 2)] == await counts(gateway, "verdict", "department")


async def test_counting_goes_on_where_receipts_have_expired_meanwhile(gateway: GatewayHarness) -> None:
    assert 201 == (await gateway.put(offer(1))).status
    assert [("accepted", 1)] == await counts(gateway, "verdict")
    assert 201 == (await gateway.put(offer(2))).status
    await gateway.log.maintain([topic for topic in COMMON if topic.name == RECEIPTS], now=gateway.clock() + 31 * DAY_MS)
    assert [] == await gateway.records(RECEIPTS)
    assert 201 == (await gateway.put(offer(3))).status
    assert [("accepted", 2)] == await counts(gateway, "verdict")


async def test_refused_messages_of_an_inbox_count_as_their_receipts_say(gateway: GatewayHarness) -> None:
    problems: list[Mapping[str, Any]] = [
        {"code": "too-long", "severity": "error"},
        {"code": "phone-redacted", "severity": "warning"},
    ]
    record = refusal_record(
        receipt="r1",
        publisher="bretagne",
        log_position="inbox.bretagne/0/3",
        at=gateway.clock(),
        versions=VERSIONS,
        problems=problems,
        about={"codes": {"too-long": 1, "field-unknown": 12}},
    )
    await gateway.log.append(RECEIPTS, partition_of("bretagne", gateway.log.partitions), [record])
    assert [("rejected", "field-unknown", 1), ("rejected", "too-long", 1)] == await counts(gateway, "verdict", "rule")


async def test_a_stopping_process_writes_what_it_has_counted(gateway: GatewayHarness) -> None:
    counter = RefusalCounter(gateway.log, clock=gateway.clock, seal=SEAL)
    counter.count("bretagne", Verdict(accepted=False), {"too-long"})
    async with running(counter.run()):
        await asyncio.sleep(0)
        assert [] == await gateway.records(STATISTICS)
    assert 1 == len(await gateway.records(STATISTICS))


async def test_a_process_writes_what_it_has_counted_from_time_to_time(gateway: GatewayHarness) -> None:
    counter = RefusalCounter(gateway.log, clock=gateway.clock, seal=SEAL, every=0.01)
    async with running(counter.run()), asyncio.timeout(10):
        for number in (1, 2):
            counter.count("bretagne", Verdict(accepted=False), {"too-long"})
            while len(await gateway.records(STATISTICS)) < number:
                await asyncio.sleep(0.01)
    assert 2 == len(await gateway.records(STATISTICS))
